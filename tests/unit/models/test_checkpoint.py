"""A checkpoint folder: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from builders import (
    random_tensors,
    tiny_architecture,
    tiny_bert_config,
    tiny_config,
    unigram_tokenizer,
    wordpiece_tokenizer,
    write_checkpoint,
)
from jrerank.errors import ConfigurationError, CorruptModel, ModelNotFound, UnsupportedModel
from jrerank.models.architectures.architecture import Float32Array
from jrerank.models.architectures.registry import read_architecture
from jrerank.models.checkpoint import load_checkpoint, save_checkpoint

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


def test_another_type_is_refused_where_it_is_needed_and_ignored_where_it_is_not(folder: Path) -> None:
    tensors = {name: torch.from_numpy(tensor) for name, tensor in random_tensors(tiny_architecture()).items()}
    tensors["position_ids"] = torch.arange(5)
    save_file(tensors, folder / "model.safetensors")
    assert "position_ids" not in load_checkpoint(folder, "tiny").weights()
    tensors["classifier.bias"] = tensors["classifier.bias"].double()
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(UnsupportedModel, match=r"classifier\.bias is F64"):
        load_checkpoint(folder, "tiny")


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


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    architecture = tiny_architecture()
    weights = random_tensors(architecture) | {"optimizer.state": np.zeros(3, dtype=np.float32)}
    saved = save_checkpoint(tmp_path / "mine", tiny_config(), weights, unigram_tokenizer())
    assert (saved.name, saved.folder, saved.architecture) == ("mine", tmp_path / "mine", architecture)
    read = saved.weights()
    assert read.keys() == architecture.expected_shapes().keys()
    for name, tensor in read.items():
        np.testing.assert_array_equal(tensor, weights[name])
    assert saved.tokenizer.to_str() == unigram_tokenizer().to_str()


def test_half_of_the_size_is_half_of_the_precision(tmp_path: Path) -> None:
    weights = random_tensors(tiny_architecture())
    halved = save_checkpoint(tmp_path, tiny_config(), weights, unigram_tokenizer(), half=True)
    for name, tensor in halved.weights().items():
        np.testing.assert_array_equal(tensor, weights[name].astype(np.float16).astype(np.float32))


def test_transformers_opens_what_is_saved(tmp_path: Path) -> None:
    config, tokenizer = tiny_bert_config(), wordpiece_tokenizer()
    weights = random_tensors(read_architecture(config))
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
    }
    save_checkpoint(tmp_path, config, weights, tokenizer, tokenizer_config=tokenizer_config)
    model, report = AutoModelForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    np.testing.assert_array_equal(model.classifier.weight.detach().numpy(), weights["classifier.weight"])
    pair = AutoTokenizer.from_pretrained(tmp_path)("空 今日", "晴れ")
    assert pair["input_ids"] == tokenizer.encode("空 今日", "晴れ").ids


@pytest.mark.parametrize(
    ("change", "half", "reason"),
    [
        ({"classifier.bias": np.array([np.nan], dtype=np.float32)}, False, "classifier.bias holds values"),
        ({"classifier.bias": np.array([1e6], dtype=np.float32)}, True, "classifier.bias holds values"),
        ({"classifier.bias": np.zeros(2, dtype=np.float32)}, False, "classifier.bias has shape"),
    ],
    ids=["no number", "infinite in float16", "shape"],
)
def test_what_could_not_be_served_is_not_saved(
    change: dict[str, Float32Array], half: bool, reason: str, tmp_path: Path
) -> None:
    weights = random_tensors(tiny_architecture()) | change
    with np.errstate(over="ignore"), pytest.raises(CorruptModel, match=reason):
        save_checkpoint(tmp_path / "new", tiny_config(), weights, unigram_tokenizer(), half=half)
    assert not (tmp_path / "new").exists()


def test_token_types_count_for_the_fingerprint_since_they_count_for_scores(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, tiny_bert_config(), wordpiece_tokenizer())
    typed = load_checkpoint(folder, "tiny")
    (folder / "tokenizer_config.json").write_text('{"model_input_names": ["input_ids", "attention_mask"]}')
    untyped = load_checkpoint(folder, "tiny")
    assert (typed.layout.passage_type, untyped.layout.passage_type) == (1, 0)
    assert typed.fingerprint != untyped.fingerprint
