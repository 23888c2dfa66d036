"""`tokenizer.json` as people have saved it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from builders import tiny_bert_config, tiny_config, unigram_tokenizer, wordpiece_tokenizer, write_checkpoint
from jrerank.errors import CorruptModel, ModelNotFound
from jrerank.models.checkpoint import load_checkpoint
from jrerank.models.tokenizer_file import gives_token_types, read_tokenizer

SAVED_WITH: dict[str, Callable[[Tokenizer], None]] = {
    "fixed padding": lambda it: it.enable_padding(length=64, pad_id=3, pad_token="<pad>"),
    "padding to a multiple": lambda it: it.enable_padding(pad_to_multiple_of=8, pad_id=3, pad_token="<pad>"),
    "padding on the left": lambda it: it.enable_padding(direction="left", length=16, pad_id=3),
    "padding to the longest": lambda it: it.enable_padding(pad_id=3, pad_token="<pad>"),
    "truncation": lambda it: it.enable_truncation(max_length=6),
    "truncation on the left": lambda it: it.enable_truncation(max_length=6, direction="left"),
    "truncation of the passage": lambda it: it.enable_truncation(max_length=6, strategy="only_second"),
}


@pytest.mark.parametrize(
    "special_ids", [{}, {"bos_token_id": None, "eos_token_id": None}], ids=["named", "not"]
)
@pytest.mark.parametrize("saved_with", SAVED_WITH)
def test_padding_and_truncation_that_were_left_on_change_nothing(
    saved_with: str, special_ids: dict[str, object], tmp_path: Path
) -> None:
    tokenizer = unigram_tokenizer()
    SAVED_WITH[saved_with](tokenizer)
    folder = write_checkpoint(tmp_path / "model", tiny_config(**special_ids), tokenizer)
    assert json.loads((folder / "tokenizer.json").read_text())[
        "padding" if "padding" in saved_with else "truncation"
    ]
    plain = load_checkpoint(write_checkpoint(tmp_path / "plain", tiny_config(**special_ids)), "plain")
    checkpoint = load_checkpoint(folder, "tiny")
    assert checkpoint.layout == plain.layout
    text = "今日の天気は晴れです。空と富士山の高さ。"
    assert checkpoint.tokenizer.encode(text).ids == plain.tokenizer.encode(text).ids
    assert [each.ids for each in checkpoint.tokenizer.encode_batch([text, "空"])] == [
        each.ids for each in plain.tokenizer.encode_batch([text, "空"])
    ]


@pytest.mark.parametrize(
    ("config", "given"),
    [
        (None, True),
        ({}, True),
        ({"tokenizer_class": "BertTokenizerFast"}, True),
        ({"tokenizer_class": "PreTrainedTokenizerFast"}, True),
        ({"tokenizer_class": "TokenizersBackend"}, False),
        (
            {"tokenizer_class": "TokenizersBackend", "model_input_names": ["input_ids", "token_type_ids"]},
            True,
        ),
        ({"model_input_names": ["input_ids", "attention_mask"]}, False),
    ],
)
def test_token_types_are_given_where_transformers_gives_them(
    config: dict[str, object] | None, given: bool, tmp_path: Path
) -> None:
    if config is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    assert gives_token_types(tmp_path) is given


def without_tokenizer(folder: Path, **files: str) -> Path:
    write_checkpoint(folder, tiny_bert_config(), wordpiece_tokenizer())
    (folder / "tokenizer.json").unlink()
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    return folder


def test_a_tokenizer_that_needs_mecab_is_refused_with_what_to_do(tmp_path: Path) -> None:
    config = {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"}
    folder = without_tokenizer(tmp_path, tokenizer_config__json=json.dumps(config), vocab__txt="[UNK]")
    with pytest.raises(
        ModelNotFound, match=r"BertJapaneseTokenizer splits words with MeCab.* Take a model whose"
    ):
        load_checkpoint(folder, "tohoku")


@pytest.mark.parametrize("file", ["sentencepiece__bpe__model", "spiece__model", "vocab__txt"])
def test_a_slow_tokenizer_is_refused_with_the_command_that_makes_it_fast(file: str, tmp_path: Path) -> None:
    folder = without_tokenizer(tmp_path, **{file: "x"})
    with pytest.raises(ModelNotFound, match=r"no tokenizer\.json: make one .*AutoTokenizer\.from_pretrained"):
        read_tokenizer(folder, 300)


def test_a_damaged_tokenizer_config_is_named(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, tiny_config())
    (folder / "tokenizer_config.json").write_text("{")
    with pytest.raises(CorruptModel, match=r"tokenizer_config\.json"):
        load_checkpoint(folder, "tiny")
