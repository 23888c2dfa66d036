"""The command line: every command has help with an example, errors are one line, exit codes tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from jrerank import __version__
from jrerank.admin.app import app

COMMANDS = [
    "serve", "rerank", "doctor", "demo", "train", "version", "models pull", "models list", "models check", "models build",
    "models pack", "models average",
    "postgres setup", "postgres status", "postgres remove", "postgres index", "postgres search",
    "opensearch setup", "opensearch status", "opensearch remove", "opensearch index", "opensearch pipeline show",
    "opensearch plugin path", "opensearch plugin build",
    "elasticsearch setup", "elasticsearch status", "elasticsearch remove", "bench quality", "bench load", "bench speed",
    "bench labels", "bulk",
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


def test_the_version_is_the_packages() -> None:
    assert CliRunner().invoke(app, ["version"]).stdout == f"{__version__}\n"


def test_without_a_command_there_is_help_and_a_wrong_one_is_named() -> None:
    assert "Usage" in CliRunner().invoke(app, []).output
    wrong = CliRunner().invoke(app, ["rernak"])
    assert (wrong.exit_code, "rernak" in wrong.stderr) == (2, True)
