"""The loader and the README's search, on a real node and a real sidecar, which stand where compose puts its containers."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from integration.compose.files import COMPOSE, compose_file
from integration.opensearch.conftest import need
from jrerank.evaluation.opensearch_node.node import Node
from jrerank.evaluation.opensearch_node.releases import OPENSEARCH_3
from sidecars import running_sidecar

pytestmark = pytest.mark.node
KEY = "secret-of-the-keystore"
ANSWER = "jaquad-dev-p00231"


def node_settings(sidecar_url: str) -> dict[str, object]:
    """Those of compose.yaml, which the image makes settings of: the names with a dot."""
    given = compose_file()["services"]["opensearch"]["environment"]
    settings = {name: value for name, value in given.items() if "." in name}
    assert settings.pop("jrerank.endpoint.sidecar.urls") == "http://sidecar:8080"
    return settings | {"jrerank.endpoint.sidecar.urls": sidecar_url}


def key_setting() -> str:
    """The name under which the image's entrypoint puts the key into the keystore."""
    entrypoint = (COMPOSE / "opensearch" / "entrypoint").read_text()
    (name,) = re.findall(r"add --force --stdin (\S+) <", entrypoint)
    return str(name)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the node, once the loader has ended; run twice, since compose runs it at each `up`."""
    need(OPENSEARCH_3)
    folder = tmp_path_factory.mktemp("loader")
    with (
        running_sidecar(folder, api_keys=KEY) as sidecar,
        Node(OPENSEARCH_3, node_settings(sidecar.url), {key_setting(): KEY}) as node,
    ):
        for _ in range(2):
            done = subprocess.run(
                ["sh", COMPOSE / "load-opensearch"],
                env={**os.environ, **on_the_path(), "JRERANK_OPENSEARCH_URL": node.url},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        yield node.url


def on_the_path() -> dict[str, str]:
    """`python3` and `jrerank-admin` as the image has them."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def readme_search() -> tuple[str, dict[str, object]]:
    """Path and body of the README's curl line."""
    readme = (COMPOSE / "README.md").read_text(encoding="utf-8")
    (curl,) = re.findall(r"```console\n(curl .*?)```", readme, re.DOTALL)
    arguments = shlex.split(curl)
    (address,) = [one for one in arguments if one.startswith("localhost:9200/")]
    return address.removeprefix("localhost:9200"), json.loads(arguments[-1])


def test_the_readmes_search_is_reranked(loaded: str) -> None:
    path, body = readme_search()
    answer = httpx.post(f"{loaded}{path}", json=body, timeout=60).json()
    best = answer["hits"]["hits"][0]
    assert answer["ext"]["jrerank"]["outcome"] == "complete"
    assert len(answer["hits"]["hits"]) == 3
    assert best["_id"] == ANSWER
    assert best["fields"]["_jrerank"][0]["first_rank"] == 3


def test_without_the_pipeline_it_is_as_it_was(loaded: str) -> None:
    _, body = readme_search()
    answer = httpx.post(f"{loaded}/demo/_search?search_pipeline=_none", json=body, timeout=60).json()
    assert [hit["_id"] for hit in answer["hits"]["hits"]].index(ANSWER) == 2
    assert "ext" not in answer
