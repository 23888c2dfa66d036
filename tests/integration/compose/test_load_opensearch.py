"""The loader and the README's search, on a real node and a real sidecar, which stand where compose puts its containers."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from integration.compose.files import COMPOSE, compose_file
from integration.opensearch.conftest import need
from jrerank.admin.opensearch_node.node import Node
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3
from jrerank.admin.ports import free_port
from sidecars import running_sidecar

pytestmark = pytest.mark.node
KEY = "secret-of-the-keystore"
ANSWER = "jaquad-dev-p00231"


def environment(service: str) -> dict[str, str]:
    """Its variables in compose.yaml."""
    return dict(compose_file()["services"][service]["environment"])


def node_settings(sidecar_url: str) -> dict[str, object]:
    """Those variables of which the image makes settings: the ones with a dot."""
    settings: dict[str, object] = {
        name: value for name, value in environment("opensearch").items() if "." in name
    }
    assert settings.pop("jrerank.endpoint.sidecar.urls") == "http://sidecar:8080"
    return settings | {"jrerank.endpoint.sidecar.urls": sidecar_url}


def key_setting() -> str:
    """The name under which the image's entrypoint puts the key into the keystore."""
    entrypoint = (COMPOSE / "opensearch" / "entrypoint").read_text()
    (name,) = re.findall(r"add --force --stdin (\S+) <", entrypoint)
    return str(name)


@dataclass(frozen=True)
class Stack:
    opensearch: str
    sidecar: str


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Up, and the loader has ended; run twice, since compose runs it at each `up`."""
    need(OPENSEARCH_3)
    folder, port = tmp_path_factory.mktemp("loader"), free_port()
    stores = environment("sidecar")["JRERANK_STORES"].replace("opensearch:9200", f"127.0.0.1:{port}")
    with (
        running_sidecar(folder, api_keys=KEY, stores=stores) as sidecar,
        Node(OPENSEARCH_3, node_settings(sidecar.url), {key_setting(): KEY}, port=port) as node,
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
        yield Stack(node.url, sidecar.url)


def on_the_path() -> dict[str, str]:
    """`python3` and `jrerank-admin` as the image has them."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def readme_search(port: int) -> tuple[str, dict[str, object]]:
    """Path and body of the README's curl line for a port."""
    readme = (COMPOSE / "README.md").read_text(encoding="utf-8")
    (curl,) = re.findall(rf"```console\n(curl [^`]*localhost:{port}/.*?)```", readme, re.DOTALL)
    arguments = shlex.split(curl)
    (address,) = [one for one in arguments if one.startswith(f"localhost:{port}/")]
    return address.removeprefix(f"localhost:{port}"), json.loads(arguments[-1])


def test_the_readmes_search_is_reranked(stack: Stack) -> None:
    path, body = readme_search(9200)
    answer = httpx.post(f"{stack.opensearch}{path}", json=body, timeout=60).json()
    best = answer["hits"]["hits"][0]
    assert answer["ext"]["jrerank"]["outcome"] == "complete"
    assert len(answer["hits"]["hits"]) == 3
    assert best["_id"] == ANSWER
    assert best["fields"]["_jrerank"][0]["first_rank"] == 3


def test_without_the_pipeline_it_is_as_it_was(stack: Stack) -> None:
    _, body = readme_search(9200)
    answer = httpx.post(
        f"{stack.opensearch}/demo/_search?search_pipeline=_none", json=body, timeout=60
    ).json()
    assert [hit["_id"] for hit in answer["hits"]["hits"]].index(ANSWER) == 2
    assert "ext" not in answer


def test_the_search_door_gives_the_same(stack: Stack) -> None:
    path, body = readme_search(8080)
    headers = {"authorization": f"Bearer {KEY}"}
    answer = httpx.post(f"{stack.sidecar}{path}", json=body, headers=headers, timeout=60).json()
    plugin_path, plugin_body = readme_search(9200)
    same = httpx.post(f"{stack.opensearch}{plugin_path}", json=plugin_body, timeout=60).json()
    assert answer["ext"]["jrerank"]["outcome"] == "complete"
    assert [hit["_id"] for hit in answer["hits"]["hits"]] == [hit["_id"] for hit in same["hits"]["hits"]]
    # Not of what the plugin had reranked; OpenSearch keeps scores in single precision
    assert answer["hits"]["max_score"] == pytest.approx(same["hits"]["max_score"], rel=1e-6)
