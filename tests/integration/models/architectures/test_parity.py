"""Our graphs of any configuration against transformers' own models, in float32. Configurations with names are unit tests."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import unigram_tokenizer, write_checkpoint, write_graph
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.models.checkpoint import load_checkpoint
from parity import (
    TOLERANCE,
    Kind,
    modernbert_configurations,
    post_norm_kinds,
    random_window,
    reference,
    reference_logit,
)


def check_parity(kind: Kind, query_tokens: int, passage_tokens: int) -> None:
    with TemporaryDirectory() as temporary:
        folder = write_checkpoint(Path(temporary) / "model", *kind)
        checkpoint = load_checkpoint(folder, "tiny")
        path = write_graph(Path(temporary) / "graph.onnx", checkpoint.architecture, checkpoint.weights())
        graph, judge = Graph(path, checkpoint.layout.passage_type), reference(folder)
        window = random_window(checkpoint, query_tokens, passage_tokens)
        expected = reference_logit(judge, window, checkpoint.layout.passage_type)
        assert graph.logit(window) == pytest.approx(expected, abs=TOLERANCE)


@settings(max_examples=30, derandomize=True)
@given(
    config=modernbert_configurations(), query_tokens=st.integers(0, 30), passage_tokens=st.integers(0, 990)
)
def test_logits_of_any_modernbert_equal_those_of_transformers(
    config: dict[str, object], query_tokens: int, passage_tokens: int
) -> None:
    check_parity((config, unigram_tokenizer()), query_tokens, passage_tokens)


@settings(max_examples=30, derandomize=True)
@given(kind=post_norm_kinds(), query_tokens=st.integers(0, 30), passage_tokens=st.integers(0, 80))
def test_logits_of_any_bert_or_roberta_equal_those_of_transformers(
    kind: Kind, query_tokens: int, passage_tokens: int
) -> None:
    check_parity(kind, query_tokens, passage_tokens)
