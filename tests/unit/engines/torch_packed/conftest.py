"""A tiny model for this package's tests, and a flash-attention kernel for the CPU."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from builders import tiny_config, write_checkpoint
from flash_attention import registered
from jrerank.models.checkpoint import Checkpoint, load_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """Local and global layers, heads of a size that flash attention takes."""
    folder = tmp_path_factory.mktemp("packed") / "model"
    return load_checkpoint(write_checkpoint(folder, tiny_config(num_hidden_layers=3)), "tiny")


@pytest.fixture(scope="session")
def flash_attention() -> Iterator[None]:
    """torch's own `varlen_attn` down to the kernel, which torch has for CUDA alone; rows of no window are NaN."""
    with registered():
        yield
