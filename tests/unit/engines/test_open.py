"""Settings and a checkpoint -> an engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from builders import (
    random_tensors,
    tiny_architecture,
    tiny_bert_config,
    tiny_xlm_roberta_config,
    wordpiece_tokenizer,
    write_checkpoint,
    xlm_roberta_tokenizer,
)
from jrerank.engines.gate import gate_logits
from jrerank.engines.open import open_engine
from jrerank.errors import ArtifactError
from jrerank.models.source import open_checkpoint
from tiny import tiny_settings

LENIENT = {"gate_max_score_shift": 1, "gate_max_inversion": 1}


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_an_engine_is_ready_to_score(precision: str, tiny_folder: Path) -> None:
    settings = tiny_settings(tiny_folder, precision=precision, workers=3, **LENIENT)
    checkpoint = open_checkpoint(settings.model)
    opened = open_engine(settings, checkpoint)
    assert (opened.engine.workers, opened.precision) == (3, precision)
    assert (opened.gate is None) is (precision == "fp32")
    assert all(isinstance(logit, float) for row in gate_logits(checkpoint, opened.engine) for logit in row)


@pytest.mark.parametrize(
    ("config", "tokenizer"),
    [
        (tiny_bert_config(), wordpiece_tokenizer()),
        (tiny_bert_config(), xlm_roberta_tokenizer()),
        (tiny_xlm_roberta_config(), xlm_roberta_tokenizer()),
    ],
    ids=["BERT", "BERT with the tokenizer of XLM-RoBERTa", "XLM-RoBERTa"],
)
def test_every_architecture_is_served_in_int8(
    config: dict[str, object], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    write_checkpoint(tmp_path / "model", config, tokenizer)
    settings = tiny_settings(tmp_path, precision="int8", **LENIENT)
    opened = open_engine(settings, open_checkpoint(settings.model))
    assert opened.precision == "int8"
    assert opened.gate is not None
    assert 0 < opened.gate.score_shift < 0.2


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_weight_that_is_no_number_is_refused_by_name(value: float, precision: str, tmp_path: Path) -> None:
    """In a row of the embeddings that no text of the gate reads."""
    settings = tiny_settings(tmp_path, precision=precision)
    weights = random_tensors(tiny_architecture())
    weights["model.embeddings.tok_embeddings.weight"][299, 5] = value
    save_file(weights, tmp_path / "model" / "model.safetensors")
    with pytest.raises(
        ArtifactError, match=r"model\.embeddings\.tok_embeddings\.weight holds values that are"
    ):
        open_engine(settings, open_checkpoint(settings.model))
