"""A sidecar with two models in a process of its own, and the commands of docs/two-models.md as they stand there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.assembly import running_service
from jrerank.domain import Candidate, RerankRequest
from jrerank.models.source import BUNDLED
from jrerank.settings import Settings
from sidecars import SERVE, RunningSidecar, running_sidecar

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "two-models.md").read_text(encoding="utf-8")
COMMANDS = [block.strip() for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)]


@pytest.fixture(scope="module")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bundled`, but its classifier says the contrary."""
    folder = tmp_path_factory.mktemp("other") / "model"
    shutil.copytree(BUNDLED, folder)
    weights = load_file(folder / "model.safetensors")
    contrary = {name: -weights[name] for name in weights if name.startswith("classifier.out_proj.")}
    save_file(weights | contrary, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory: pytest.TempPathFactory, other_model: Path) -> Iterator[RunningSidecar]:
    command = (*SERVE, "--second-model", str(other_model), "--second-depth", "5")
    with running_sidecar(tmp_path_factory.mktemp("sidecar"), command=command) as running:
        yield running


def test_the_log_tells_of_both(sidecar: RunningSidecar, other_model: Path) -> None:
    names = [event["event"] for event in sidecar.events()]
    assert names.index("model_ready") < names.index("second_model_ready") < names.index("listening")
    second = next(event for event in sidecar.events() if event["event"] == "second_model_ready")
    assert (second["model"], second["depth"]) == (str(other_model), 5)


async def test_the_top_is_in_the_order_that_the_second_model_gives_it_alone(
    sidecar: RunningSidecar, other_model: Path
) -> None:
    texts = {str(metres): f"富士山の高さは{metres}メートルである" for metres in range(3_770, 3_780)}
    body = {"query": "富士山の高さ", "hits": [{"id": name, "text": text} for name, text in texts.items()]}
    with sidecar.client() as client:
        answer = client.post("/v1/hits", json=body)
        cost = client.get("/info").json()["second_model"]["token_cost"]
    hits = answer.json()["hits"]
    rankings = []
    for model in ("bundled", str(other_model)):
        async with running_service(Settings.load(model=model)) as service:
            candidates = tuple(Candidate(name, text) for name, text in texts.items())
            request = RerankRequest("富士山の高さ", candidates, deadline=time.monotonic() + 60)
            rankings.append((await service.reranker.rerank(request)).hits)
    first, second = rankings
    top = {hit.id for hit in first[:5]}
    expected = [*(hit for hit in second if hit.id in top), *first[5:]]
    assert answer.headers["x-jrerank-second-read"] == "5"
    assert [hit["id"] for hit in hits] == [hit.id for hit in expected]
    assert [hit["id"] for hit in hits] != [hit.id for hit in first], "the models differ"
    assert [hit["score"] for hit in hits] == pytest.approx([hit.score for hit in first], rel=1e-6)
    assert 1 / 3 < cost < 3, "a model costs about as much as its like"


def test_a_second_model_that_is_not_there_ends_the_start_with_its_name(tmp_path: Path) -> None:
    line = [*SERVE, "--model", "bundled", "--port", "0", "--second-model", str(tmp_path / "nowhere")]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 3
    assert re.search(r"^error: JRERANK_SECOND_MODEL: .*nowhere", ended.stderr, re.MULTILINE), ended.stderr


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("jrerank-sidecar")])
def test_the_serve_command_is_understood(command: str) -> None:
    result = CliRunner().invoke(app, ["serve", *shlex.split(command)[1:], "--help"])
    assert result.exit_code == 0


def test_the_sidecar_is_measured_beside_its_first_model(
    sidecar: RunningSidecar, monkeypatch: pytest.MonkeyPatch
) -> None:
    (command,) = [one for one in COMMANDS if one.startswith("jrerank-admin")]
    monkeypatch.setenv("JRERANK_SECOND_MODEL", "nowhere")  # it takes no notice of it
    command = command.replace("http://localhost:8080", sidecar.url)
    line = shlex.split(command.replace("--queries 30 --depth 30", "--queries 2 --depth 8"))[1:]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 0, result.output
    assert "hits" in result.output


def test_its_settings_and_metrics_are_there(sidecar: RunningSidecar) -> None:
    metrics = httpx.get(f"{sidecar.url}/metrics").text
    for name in re.findall(r"`(jrerank_\w+)`", PAGE):
        assert name in metrics, name
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
