"""A sidecar with two models in a process of its own, and the commands of docs/two-models.md as they stand there."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from sidecars import SERVE, RunningSidecar, running_sidecar

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "two-models.md").read_text(encoding="utf-8")
COMMANDS = [block.strip() for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)]


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSidecar]:
    command = (*SERVE, "--second-model", "bundled", "--second-depth", "5")
    with running_sidecar(tmp_path_factory.mktemp("sidecar"), command=command) as running:
        yield running


def test_the_log_tells_of_both(sidecar: RunningSidecar) -> None:
    names = [event["event"] for event in sidecar.events()]
    assert names.index("model_ready") < names.index("second_model_ready") < names.index("listening")
    second = next(event for event in sidecar.events() if event["event"] == "second_model_ready")
    assert (second["model"], second["depth"]) == ("bundled", 5)


def test_a_model_costs_about_as_much_as_itself_and_orders_as_it_does_alone(sidecar: RunningSidecar) -> None:
    documents = [f"富士山の高さは{metres}メートルである" for metres in range(3_770, 3_780)]
    body = {"query": "富士山の高さ", "documents": documents}
    with sidecar.client() as client:
        answer = client.post("/v1/rerank", json=body)
        cost = client.get("/info").json()["second_model"]["token_cost"]
    scores = [result["relevance_score"] for result in answer.json()["results"]]
    assert answer.headers["x-jrerank-second-read"] == "5"
    assert scores == sorted(scores, reverse=True)
    assert 1 / 3 < cost < 3


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
