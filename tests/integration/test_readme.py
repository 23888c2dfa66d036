"""Every command in the README, run as it stands there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from sidecars import running_sidecar

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
INLINE = re.findall(r"`(jrerank-admin [^`]+)`", README)
INLINE += [command.strip() for command in COMMANDS if command.startswith("jrerank-admin")]


def test_the_make_commands_are_targets() -> None:
    for command in [one.strip() for one in COMMANDS if one.startswith("make")]:
        subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("command", re.findall(r"`(make [^`]*MODEL=[^`]+)`", README))
@pytest.mark.parametrize("target", ["demo", "demo-hybrid", "demo-opensearch"])
def test_each_demo_takes_the_model_that_make_is_told(command: str, target: str) -> None:
    _, _, model = command.split()
    dry = subprocess.run(
        ["make", target, model, "--dry-run"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert f"--model {model.partition('=')[2]}\n" in dry.stdout


def test_the_curl_line_gets_what_the_readme_says(tmp_path: Path) -> None:
    (curl,) = [one for one in COMMANDS if one.startswith("curl")]
    arguments = shlex.split(curl)
    path = next(argument for argument in arguments if argument.startswith("localhost")).partition("/")[2]
    with running_sidecar(tmp_path) as sidecar:
        answer = httpx.post(f"{sidecar.url}/{path}", json=json.loads(arguments[-1])).json()
    assert answer["outcome"] == "complete"
    assert [hit["id"] for hit in answer["hits"]] == ["b", "a"]


@pytest.mark.parametrize("command", INLINE)
def test_the_admin_commands_work(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JRERANK_MODEL", "bundled")
    monkeypatch.setenv("JRERANK_PORT", "0")  # the default one may be somebody else's
    Path("passages.txt").write_text("味噌汁の作り方\n富士山の標高は3776メートルである\n", encoding="utf-8")
    Path("questions.jsonl").write_text('{"query": "富士山", "passages": ["山", "海"]}\n', encoding="utf-8")
    result = CliRunner().invoke(app, shlex.split(command)[1:])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", re.findall(r"^jrerank-sidecar .*", "".join(COMMANDS), re.MULTILINE))
def test_the_serve_commands_are_understood(command: str) -> None:
    result = CliRunner().invoke(app, ["serve", *shlex.split(command)[1:], "--help"])
    assert result.exit_code == 0


def test_the_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
