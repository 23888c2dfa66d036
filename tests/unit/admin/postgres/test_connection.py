"""The group's commands where something is missing."""

from __future__ import annotations

import sys

import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app

COMMANDS = (["status"], ["remove"], ["setup", "--url", "http://a"], ["index", "t", "f"], ["search", "t", "q"])


@pytest.mark.parametrize("command", COMMANDS)
def test_without_psycopg_each_command_says_what_to_install(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    result = CliRunner().invoke(app, ["postgres", *command])
    assert (result.exit_code, result.stderr) == (
        3,
        "error: psycopg is needed: pip install 'jrerank[postgres]'\n",
    )
