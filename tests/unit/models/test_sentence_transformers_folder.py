"""Folders that sentence-transformers has saved."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch
from sentence_transformers import CrossEncoder

from builders import tiny_bert_config, tiny_config, wordpiece_tokenizer, write_checkpoint
from jrerank.errors import CorruptModel, UnsupportedModel
from jrerank.models.checkpoint import load_checkpoint

TRANSFORMER = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.base.modules.Transformer"}
POOLING = {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}


def saved(folder: Path, modules: object, **settings: object) -> Path:
    write_checkpoint(folder, tiny_config())
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize("activation", [torch.nn.Sigmoid, torch.nn.Identity])
def test_what_a_cross_encoder_saves_is_loaded(activation: type[torch.nn.Module], tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "plain", tiny_bert_config(), wordpiece_tokenizer())
    tokenizer_config = {"tokenizer_class": "BertTokenizer", "pad_token": "[PAD]", "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        CrossEncoder(str(folder), activation_fn=activation()).save_pretrained(str(tmp_path / "saved"))
    assert (tmp_path / "saved" / "modules.json").is_file()
    checkpoint = load_checkpoint(tmp_path / "saved", "saved")
    assert checkpoint.layout == load_checkpoint(folder, "plain").layout
    assert checkpoint.layout.passage_type == 1


def test_a_model_within_the_folder_is_found(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "0_Transformer", tiny_config())
    (tmp_path / "modules.json").write_text(json.dumps([TRANSFORMER | {"path": "0_Transformer"}]))
    assert load_checkpoint(tmp_path, "nested").folder == tmp_path


@pytest.mark.parametrize("key", ["sbert_ce_default_activation_function", "sentence_transformers"])
def test_an_activation_that_is_no_rerankers_is_refused(key: str, tmp_path: Path) -> None:
    name = "torch.nn.modules.activation.Softmax"
    value = name if key.startswith("sbert") else {"activation_fn": name, "version": "5.0.0"}
    folder = write_checkpoint(tmp_path, tiny_config())
    (folder / "config.json").write_text(json.dumps(tiny_config(**{key: value})))
    with pytest.raises(UnsupportedModel, match=r"Softmax.*Sigmoid and Identity are supported"):
        load_checkpoint(folder, "tiny")


def test_so_it_is_in_the_settings_of_sentence_transformers(tmp_path: Path) -> None:
    folder = saved(tmp_path, [TRANSFORMER], activation_fn="torch.nn.modules.activation.Tanh")
    with pytest.raises(UnsupportedModel, match="Tanh"):
        load_checkpoint(folder, "tiny")


@pytest.mark.parametrize(
    ("modules", "error", "reason"),
    [
        (
            [TRANSFORMER, POOLING],
            UnsupportedModel,
            "is an embedding model .*Transformer, Pooling.*, not a reranker",
        ),
        ([TRANSFORMER, TRANSFORMER], UnsupportedModel, "has the modules Transformer, Transformer"),
        ([TRANSFORMER | {"type": "LogitScore"}], UnsupportedModel, "has the modules LogitScore"),
        ([], CorruptModel, "is not a list of modules"),
        ({}, CorruptModel, "is not a list of modules"),
        ([{"type": "x"}], CorruptModel, "is not a list of modules"),
        ([5], CorruptModel, "is not a list of modules"),
        ([TRANSFORMER | {"path": "../other"}], CorruptModel, "is not a folder within"),
        ([TRANSFORMER | {"path": "/etc"}], CorruptModel, "is not a folder within"),
    ],
)
def test_other_modules_are_refused_by_name(
    modules: object, error: type[Exception], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=reason):
        load_checkpoint(saved(tmp_path, modules), "tiny")
