"""A checkpoint folder: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from builders import random_tensors, tiny_architecture, tiny_config, write_checkpoint
from jrerank.errors import ConfigurationError, CorruptModel, ModelNotFound, UnsupportedModel
from jrerank.models.checkpoint import load_checkpoint, read_weights

FILES = ("config.json", "model.safetensors", "tokenizer.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "model", tiny_config())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_of_every_precision_become_float32(dtype: torch.dtype, folder: Path) -> None:
    tensors = random_tensors(tiny_architecture())
    halved = {name: torch.from_numpy(tensor).to(dtype) for name, tensor in tensors.items()}
    save_file(halved, folder / "model.safetensors")
    read = load_checkpoint(folder, "tiny").weights()
    for name, tensor in halved.items():
        assert read[name].dtype == np.float32
        np.testing.assert_array_equal(read[name], tensor.float().numpy())


def test_another_type_is_refused(folder: Path) -> None:
    save_file({"x": torch.zeros(2, dtype=torch.float64)}, folder / "model.safetensors")
    with pytest.raises(UnsupportedModel, match="F64"):
        read_weights(folder / "model.safetensors")


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_named(file: str, folder: Path) -> None:
    (folder / file).unlink()
    with pytest.raises(ModelNotFound, match=file):
        load_checkpoint(folder, "tiny")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("keep", [0, 5, 100])
def test_a_truncated_file_is_corrupt(file: str, keep: int, folder: Path) -> None:
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[:keep])
    with pytest.raises(CorruptModel, match=file):
        load_checkpoint(folder, "tiny")


def test_weights_that_end_early_are_corrupt(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-1000])
    with pytest.raises(CorruptModel, match="safetensors"):
        load_checkpoint(folder, "tiny")


def test_weights_of_another_shape_are_corrupt(folder: Path) -> None:
    write_checkpoint(folder.parent / "other", tiny_config(intermediate_size=64))
    (folder.parent / "other" / "model.safetensors").rename(folder / "model.safetensors")
    with pytest.raises(CorruptModel, match=r"mlp\.Wi"):
        load_checkpoint(folder, "tiny")


def test_a_tokenizer_beyond_the_vocabulary_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, tiny_config(vocab_size=100))
    with pytest.raises(ConfigurationError, match="token id"):
        load_checkpoint(folder, "tiny")


def test_every_file_counts_for_the_fingerprint(folder: Path) -> None:
    before = load_checkpoint(folder, "tiny").fingerprint
    assert load_checkpoint(folder, "other name").fingerprint == before
    with (folder / "config.json").open("a") as stream:
        stream.write(" ")
    assert load_checkpoint(folder, "tiny").fingerprint != before
