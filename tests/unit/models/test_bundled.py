"""The model that ships, whichever it is: what its folder says of it, and that it computes what transformers computes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from builders import write_graph
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.models.checkpoint import Checkpoint
from jrerank.models.recommendation import recommended_fusion, recommended_window_tokens
from jrerank.models.source import BUNDLED, open_checkpoint
from parity import TOLERANCE, reference, reference_logit

CARD = (BUNDLED / "README.md").read_text(encoding="utf-8")
CONFIG = json.loads((BUNDLED / "config.json").read_text(encoding="utf-8"))
PASSAGE_TOKENS = (0, 1, 7, 16, 33, 130, 480)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return open_checkpoint("bundled")


def test_logits_equal_those_of_transformers(checkpoint: Checkpoint, tmp_path: Path) -> None:
    graph = Graph(write_graph(tmp_path / "graph.onnx", checkpoint.architecture, checkpoint.weights()))
    model, draw = reference(BUNDLED), np.random.default_rng(1)
    for tokens in PASSAGE_TOKENS:
        query, passage = (draw.integers(300, 16_000, size).tolist() for size in (9, tokens))
        pair = checkpoint.layout.join(query, passage)
        expected = reference_logit(model, pair, checkpoint.layout.passage_type)
        assert graph.logit(pair) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("half", "full"),
    [("ﾊﾟｿｺﾝの重さ", "パソコンの重さ"), ("ｶﾞｷﾞ", "ガギ"), ("は\u3099", "ば"), ("ＡＴＭ", "ATM")],
)
def test_half_width_and_decomposed_letters_are_the_same_to_it(
    checkpoint: Checkpoint, half: str, full: str
) -> None:
    tokenizer = checkpoint.tokenizer
    assert tokenizer.encode(half).ids == tokenizer.encode(full).ids


def test_it_reads_long_passages_in_windows_of_the_size_that_it_was_trained_on() -> None:
    tokens = recommended_window_tokens(BUNDLED)
    assert tokens is not None
    assert 100 <= tokens <= 200


def test_it_is_small_enough_for_a_package() -> None:
    assert sum(file.stat().st_size for file in BUNDLED.iterdir()) <= 40_000_000


def test_it_is_what_its_card_says(checkpoint: Checkpoint) -> None:
    assert f"| architecture | `{CONFIG['architectures'][0]}`, {CONFIG['num_hidden_layers']} layers" in CARD
    assert f"hidden {CONFIG['hidden_size']}" in CARD
    assert checkpoint.architecture.max_tokens >= 512
    for source in ("JaQuAD", "Aozora Bunko", "statutes", "CC BY-SA 3.0"):
        assert source in CARD
        assert source in (BUNDLED / "LICENSE.md").read_text(encoding="utf-8")


def test_it_recommends_a_fusion() -> None:
    """Of the demo's first stage: BM25 over character bigrams."""
    fusion = recommended_fusion(BUNDLED)
    assert fusion is not None
    assert (fusion.method, 0 < fusion.weight <= 1) == ("linear", True)
