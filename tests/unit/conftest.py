from __future__ import annotations

import pytest


@pytest.fixture
def no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of 512 tokens by torch, whatever else this machine does."""
    from jrerank.engines.torch_packed import open as opening

    monkeypatch.setattr(opening, "measure_budget", lambda *_: 512)
