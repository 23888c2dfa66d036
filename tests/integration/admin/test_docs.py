"""Every command in the READMEs of the stock route and of Elasticsearch, run in order as it stands there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from integration.admin.conftest import KEY, Run
from recordings.inference import InferenceServer
from recordings.ml_commons import MlCommons
from sidecars import RunningSidecar

CONNECTORS = Path(__file__).parents[3] / "connectors"
PASSAGES = {
    "a": {"text": "味噌汁の作り方を紹介する。"},
    "b": {"text": "富士山の標高は3776メートルで、日本で最も高い山である。"},
}


@pytest.mark.parametrize(
    ("file", "server"),
    [("opensearch/stock-route.md", MlCommons), ("elasticsearch/README.md", InferenceServer)],
)
def test_the_commands_do_what_is_said(
    file: str, server: type[MlCommons] | type[InferenceServer], admin: Run, sidecar: RunningSidecar
) -> None:
    with server() as cluster:
        cluster.passages = dict(PASSAGES)
        found = None
        for command in _commands(file, cluster.url, sidecar.url):
            if command.startswith("curl"):
                ran = subprocess.run(["bash", "-c", command], capture_output=True, check=True, timeout=60)
                found = [hit["_id"] for hit in json.loads(ran.stdout)["hits"]["hits"]]
            else:
                assert KEY not in admin(*shlex.split(command)[1:]).output
        assert found == ["b", "a"], "reranked"
        assert not any(vars(cluster).get(name) for name in ("pipelines", "connectors", "models", "endpoints"))


def _commands(file: str, cluster_url: str, sidecar_url: str) -> list[str]:
    text = (CONNECTORS / file).read_text(encoding="utf-8")
    text = text.replace("http://localhost:9200", cluster_url).replace("http://10.0.0.7:8080", sidecar_url)
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [command for block in blocks for command in re.split(r"\n(?=jrerank-admin|curl)", block.strip())]


@pytest.mark.parametrize("file", ["opensearch/stock-route.md", "elasticsearch/README.md"])
def test_the_links_lead_somewhere(file: str) -> None:
    path = CONNECTORS / file
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
