"""Texts in, logits out, whatever batches they go in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from builders import tiny_bert_config, unigram_tokenizer, write_checkpoint
from jrerank.cpu import CpuFeatures
from jrerank.errors import ConfigurationError, InvalidInput
from jrerank.training.scorer import batch_tokens_for, open_scorer, save_scorer
from training_models import corpus, tiny_model


def test_batches_change_no_logit_and_no_order(tmp_path: Path) -> None:
    scorer = open_scorer(tiny_model(tmp_path), 64)
    pairs = [
        ("富士山の高さ", passage.text[: 5 + 3 * place]) for place, passage in enumerate(corpus().passages)
    ]
    alone = [scorer.score([pair])[0] for pair in pairs]
    for batch_tokens in (1, 100, 10_000):
        assert replace(scorer, batch_tokens=batch_tokens).score(pairs) == pytest.approx(alone, abs=1e-4)


def test_who_may_read_the_configuration_may_read_the_weights(tmp_path: Path) -> None:
    start = tiny_model(tmp_path / "start")
    save_scorer(open_scorer(start, 64), tmp_path / "saved", start)
    modes = {file.stat().st_mode for file in (tmp_path / "saved").iterdir()}
    assert len(modes) == 1


def test_a_model_is_not_written_over_itself(tmp_path: Path) -> None:
    start = tiny_model(tmp_path / "start")
    before = (start / "model.safetensors").read_bytes()
    with pytest.raises(InvalidInput, match=r"start is the model that is read: give another folder"):
        save_scorer(open_scorer(start, 64), tmp_path / "start" / ".." / "start", start, torch.float16)
    assert (start / "model.safetensors").read_bytes() == before


def test_a_model_of_several_labels_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    labels = tiny_model(tmp_path / "labels")
    config = AutoConfig.from_pretrained(labels, num_labels=3)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(labels)
    with pytest.raises(
        ConfigurationError,
        match=r"labels can't be opened as a reranker: it has 3 labels, and a reranker one score",
    ):
        open_scorer(tmp_path / "labels", 64)
    damaged = tiny_model(tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(
        ConfigurationError,
        match=r"damaged can't be opened as a reranker: .*; give the folder of a whole model",
    ):
        open_scorer(damaged, 64)


def test_a_pair_is_cut_where_the_models_positions_end(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, tiny_bert_config(max_position_embeddings=24), unigram_tokenizer())
    scorer = open_scorer(tmp_path, 192)
    assert len(scorer.encode([("月", "川" * 100)], 512)[0]) == 24
    assert len(scorer.score([("月", "川" * 100)])) == 1


def test_a_layer_is_kept_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"layers \[0, 0\]: one is named twice"):
        open_scorer(tiny_model(tmp_path), 64, (0, 0))


@pytest.mark.parametrize(
    ("device", "autocast", "flags", "tokens"),
    [
        ("cpu", None, {"amx_bf16"}, 512),
        ("cpu", torch.bfloat16, {"avx512_bf16"}, 512),
        ("cpu", torch.bfloat16, {"avx512_bf16", "amx_bf16"}, 2048),
        ("cuda", torch.bfloat16, set(), 8192),
        ("mps", None, set(), 8192),
    ],
)
def test_a_batch_has_as_many_tokens_as_the_device_is_fastest_with(
    device: str, autocast: torch.dtype | None, flags: set[str], tokens: int
) -> None:
    cpu = CpuFeatures("x86_64", frozenset(flags))
    assert batch_tokens_for(torch.device(device), autocast, cpu) == tokens


def test_a_model_on_a_device_takes_batches_that_suit_it(tmp_path: Path) -> None:
    """The device `meta` computes nothing."""
    scorer = open_scorer(tiny_model(tmp_path), 64)
    on_cpu = scorer.on(torch.device("cpu"), None).batch_tokens
    assert (on_cpu, scorer.on(torch.device("meta"), None).batch_tokens) == (512, 8192)
