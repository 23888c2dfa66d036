from __future__ import annotations

import pytest

from builders import tiny_config, write_checkpoint
from jrerank.models.checkpoint import load_checkpoint
from jrerank.tokenization.windows import Tokenization


@pytest.fixture(scope="session")
def tokenization(tmp_path_factory: pytest.TempPathFactory) -> Tokenization:
    folder = write_checkpoint(tmp_path_factory.mktemp("model"), tiny_config())
    return Tokenization(load_checkpoint(folder, "tiny"), 64)
