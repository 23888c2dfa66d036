from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For `tiny.py`: one model and one graph for all tests."""
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture
def no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of 512 tokens by torch, whatever else this machine does."""
    from jrerank.engines.torch_packed import open as opening

    monkeypatch.setattr(opening, "measure_budget", lambda *_: 512)
