"""The command line: every command has help with an example, errors are one line, exit codes tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.admin.rerank import read_candidates
from jrerank.domain import Candidate
from jrerank.errors import InvalidInput

COMMANDS = [
    "serve", "rerank", "doctor", "demo", "version", "models pull", "models list", "models check", "models build",
    "postgres index", "postgres search",
    "opensearch setup", "opensearch status", "opensearch remove", "opensearch index", "opensearch pipeline show",
    "opensearch plugin path", "opensearch plugin build",
    "elasticsearch setup", "elasticsearch status", "elasticsearch remove",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert "Example: jrerank-admin" in result.output


def test_no_command_is_missing_here() -> None:
    group = typer.main.get_command(app)
    assert set(leaves(group)) == set(COMMANDS)


def leaves(group: Any, path: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, f"{path}{name} ")
        else:
            yield f"{path}{name}"


def test_rerank_prints_jsonl_best_first(tmp_path: Path) -> None:
    file = tmp_path / "passages.txt"
    file.write_text("味噌汁の作り方\n富士山の標高は3776メートルで、日本で最も高い山である\n")
    result = CliRunner().invoke(app, ["rerank", "富士山の標高", str(file), "--model", "bundled", "--json"])
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["id"] for line in lines] == ["2", "1"]
    assert lines[0]["first_rank"] == 2


def test_an_unknown_model_is_one_line_and_exit_code_3() -> None:
    result = CliRunner().invoke(app, ["rerank", "x", "--model", "random:huge"], input="a\n")
    assert result.exit_code == 3
    assert "random:xsmall-v2" in result.stderr


def test_doctor_says_what_is_served() -> None:
    result = CliRunner().invoke(app, ["doctor", "--model", "bundled"])
    lines = result.stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["cpu", "model", "gate", "stores", "bind", "port"]
    assert "int8 is served" in lines[2]


def test_jsonl_has_ids_and_scores() -> None:
    lines = ['{"id": 7, "text": "空", "score": 1.5}', "", '{"text": "海"}']
    assert read_candidates(lines) == (Candidate("7", "空", 1.5), Candidate("3", "海", None))


@pytest.mark.parametrize("line", ['{"id": 1}', '{"text": 5}', "[]", "{", '{"text": "a", "score": "b"}'])
def test_a_wrong_line_is_named(line: str) -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        read_candidates(['{"text": "空"}', line])
