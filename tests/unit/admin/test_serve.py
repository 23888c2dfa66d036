"""`serve`: what the command line says overrides the environment."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from jrerank import server
from jrerank.admin.app import app
from jrerank.settings import Settings


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """With which settings a sidecar would have been run."""
    runs: list[Settings] = []
    monkeypatch.setattr(server, "serve", runs.append)
    return runs


def test_every_option_is_a_setting(asked: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JRERANK_PORT", "1")
    monkeypatch.setenv("JRERANK_MAX_DOCUMENTS", "7")
    options = {"model": "bundled", "precision": "fp32", "graph": "own", "host": "::1", "port": 0, "workers": 3,
               "timeout_ms": 250, "log_format": "console", "revision": "main"}  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    result = CliRunner().invoke(app, ["serve", *words])
    assert result.exit_code == 0, result.output
    (settings,) = asked
    assert {name: getattr(settings, name) for name in options} == options
    assert settings.max_documents == 7


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--port", "99999"], 3, "JRERANK_PORT"),
        (["--workers", "0"], 3, "JRERANK_WORKERS"),
        (["--precision", "int4"], 2, "--precision"),
        (["--prot", "1"], 2, "--prot"),
    ],
)
def test_a_wrong_option_is_named(words: list[str], code: int, said: str, asked: list[Settings]) -> None:
    result = CliRunner().invoke(app, ["serve", *words])
    assert (result.exit_code, said in result.stderr, asked) == (code, True, [])
