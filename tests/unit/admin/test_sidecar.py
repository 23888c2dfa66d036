"""`jrerank-sidecar` is `jrerank-admin serve`."""

from __future__ import annotations

import sys

import pytest

from jrerank import server
from jrerank.admin import sidecar
from jrerank.settings import Settings


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, list[Settings]]:
    """The exit code, and with which settings a sidecar would have been run."""
    runs: list[Settings] = []
    monkeypatch.setattr(server, "serve", runs.append)
    monkeypatch.setattr(sys, "argv", ["jrerank-sidecar", *words])
    with pytest.raises(SystemExit) as exit_:
        sidecar.main()
    return int(exit_.value.code or 0), runs


def test_it_takes_the_options_of_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    code, runs = run(monkeypatch, "--model", "bundled", "--port", "0")
    assert (code, [(settings.model, settings.port) for settings in runs]) == (0, [("bundled", 0)])


def test_its_help_has_an_example(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, runs = run(monkeypatch, "--help")
    assert (code, runs, "Example:" in capsys.readouterr().out) == (0, [], True)
