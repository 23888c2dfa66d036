from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For `tiny.py`: one model and one graph for all tests."""
    return tmp_path_factory.mktemp("tiny")
