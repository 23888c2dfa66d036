"""Every command of the page on training, run as it stands there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.models.source import BUNDLED
from training_models import tiny_model, write_corpus

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/training.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```console\n(jrerank-admin .*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_leaves_a_model(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _, pairs = write_corpus(tmp_path)
    Path("dev.jsonl").write_text(pairs.read_text(encoding="utf-8"), encoding="utf-8")
    clicks = {"query": "月の高さ", "hits": [{"id": "0"}, {"id": "7", "clicked": True}]}
    Path("clicks.jsonl").write_text(json.dumps(clicks), encoding="utf-8")
    arguments = shlex.split(command.replace("\\\n", ""))[1:]
    if arguments[:2] == ["models", "pack"]:
        tune(arguments[2])
    if arguments[:2] == ["models", "average"]:
        shutil.copytree(BUNDLED, arguments[3])
    run(arguments)
    assert (tmp_path / made_by(arguments) / "model.safetensors").is_file()


def made_by(arguments: list[str]) -> str:
    """The folder that the command writes."""
    return arguments[
        {"train": 1, "pack": 3, "average": 4}[arguments[0] if arguments[0] == "train" else arguments[1]]
    ]


def tune(folder: str) -> None:
    """What the page has trained before, on a smaller model."""
    files = ["--passages", "passages.jsonl", "--pairs", "pairs.jsonl"]
    dev = ["--dev-passages", "passages.jsonl", "--dev-pairs", "dev.jsonl"]
    start = ["--from", str(tiny_model(Path("tiny"))), "--tokens", "1000", "--evaluate-every-tokens", "500"]
    run(["train", folder, *files, *dev, *start])


def run(arguments: list[str]) -> None:
    threads = ["--threads", "1"] if arguments[0] == "train" else []
    result = CliRunner().invoke(app, [*arguments, *threads])
    assert result.exit_code == 0, result.output


def test_there_are_commands_and_the_links_lead_somewhere() -> None:
    assert len(COMMANDS) == 6
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
