"""The files that a checkpoint's tensors are in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from transformers import BertConfig, BertForSequenceClassification

from builders import (
    random_tensors,
    tiny_architecture,
    tiny_bert_config,
    wordpiece_tokenizer,
    write_checkpoint,
)
from jrerank.errors import CorruptModel, ModelNotFound
from jrerank.models.checkpoint import load_checkpoint
from jrerank.models.tensors import stored_tensors, weights_files

WEIGHTS = random_tensors(tiny_architecture())
NAMES = sorted(WEIGHTS)


def as_torch(names: list[str]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(WEIGHTS[name]) for name in names}


def write_index(path: Path, shards: dict[str, list[str]]) -> None:
    weight_map = {name: shard for shard, names in shards.items() for name in names}
    path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))


def write_whole(folder: Path) -> None:
    save_file(WEIGHTS, folder / "model.safetensors")


def write_shards(folder: Path) -> None:
    halves = [NAMES[: len(NAMES) // 2], NAMES[len(NAMES) // 2 :]]
    shards = {f"model-{i + 1:05}-of-00002.safetensors": half for i, half in enumerate(halves)}
    for shard, names in shards.items():
        save_file({name: WEIGHTS[name] for name in names}, folder / shard)
    write_index(folder / "model.safetensors.index.json", shards)


def write_bin(folder: Path) -> None:
    torch.save(as_torch(NAMES), folder / "pytorch_model.bin")


def write_bin_shards(folder: Path) -> None:
    halves = [NAMES[::2], NAMES[1::2]]
    shards = {f"pytorch_model-{i + 1:05}-of-00002.bin": half for i, half in enumerate(halves)}
    for shard, names in shards.items():
        torch.save(as_torch(names), folder / shard)
    write_index(folder / "pytorch_model.bin.index.json", shards)


@pytest.mark.parametrize("write", [write_whole, write_shards, write_bin, write_bin_shards])
def test_the_same_tensors_come_from_all_kinds_of_files(write: object, tmp_path: Path) -> None:
    assert callable(write)
    write(tmp_path)
    tensors = stored_tensors(tmp_path)
    assert sorted(tensors) == NAMES
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(tensor.read(), WEIGHTS[name])


def test_transformers_own_shards_are_read(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "whole", tiny_bert_config(), wordpiece_tokenizer())
    model = BertForSequenceClassification.from_pretrained(folder)
    model.save_pretrained(tmp_path / "sharded", max_shard_size="40KB")
    (tmp_path / "sharded" / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    assert len(weights_files(tmp_path / "sharded")) > 2
    read, whole = (load_checkpoint(tmp_path / name, "tiny").weights() for name in ("sharded", "whole"))
    for name, tensor in whole.items():
        np.testing.assert_array_equal(read[name], tensor)


def test_safetensors_win_over_torch(tmp_path: Path) -> None:
    write_bin(tmp_path)
    write_shards(tmp_path)
    assert weights_files(tmp_path)[0].name == "model.safetensors.index.json"
    write_whole(tmp_path)
    assert [path.name for path in weights_files(tmp_path)] == ["model.safetensors"]


def test_no_weights_at_all_are_an_error_that_says_what_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "tf_model.h5").write_bytes(b"")
    with pytest.raises(ModelNotFound, match=r"no model\.safetensors, nor its shards, nor pytorch_model\.bin"):
        weights_files(tmp_path)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    write_shards(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelNotFound, match=r"has no model-00002-of-00002\.safetensors, which model"):
        stored_tensors(tmp_path)


@pytest.mark.parametrize("shard", ["../model.safetensors", "/etc/passwd", "shard.txt", ""])
def test_an_index_names_files_beside_it_only(shard: str, tmp_path: Path) -> None:
    write_index(tmp_path / "model.safetensors.index.json", {shard: ["classifier.bias"]})
    with pytest.raises(CorruptModel, match="is not the name of a shard"):
        weights_files(tmp_path)


@pytest.mark.parametrize("content", ["{}", "[]", "{", '{"weight_map": []}', '{"weight_map": {}}'])
def test_what_is_no_index_is_an_error(content: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(CorruptModel, match=r"index\.json"):
        weights_files(tmp_path)


def test_the_names_of_berts_authors_are_understood(tmp_path: Path) -> None:
    model = BertForSequenceClassification(BertConfig(**tiny_bert_config()))
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): tensor
        for name, tensor in model.state_dict().items()
    }
    torch.save(old, tmp_path / "pytorch_model.bin")
    assert any(name.endswith("gamma") for name in old)
    assert set(model.state_dict()) == set(stored_tensors(tmp_path))
