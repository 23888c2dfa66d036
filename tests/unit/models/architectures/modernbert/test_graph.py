"""Our graph against transformers' own ModernBERT, in float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from builders import random_tensors, tiny_architecture, window, write_checkpoint, write_graph
from jrerank.domain import sigmoid
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.models.architectures.architecture import Lossy
from jrerank.models.checkpoint import load_checkpoint
from parity import (
    MODERNBERT,
    TOLERANCE,
    reference,
    reference_logit,
    transformers_4,
)

LENGTHS = (1, 2, 7, 16, 17, 33, 130, 511, 1024)


def token_ids(length: int) -> list[int]:
    return [int(id) for id in np.random.default_rng(length).integers(0, 300, length)]


def graph_of(folder: Path, target: Path, lossy: Lossy | None = None) -> Graph:
    checkpoint = load_checkpoint(folder, "tiny")
    return Graph(write_graph(target, checkpoint.architecture, checkpoint.weights(), lossy))


def logit(graph: Graph, ids: list[int]) -> float:
    return graph.logit(window(ids))


@pytest.mark.parametrize("name", MODERNBERT)
def test_logits_equal_those_of_transformers(name: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", MODERNBERT[name])
    session, model = graph_of(folder, tmp_path / "graph.onnx"), reference(folder)
    for length in LENGTHS:
        ids = token_ids(length)
        assert logit(session, ids) == pytest.approx(reference_logit(model, window(ids), 0), abs=TOLERANCE)


@pytest.mark.parametrize(
    "change",
    [
        {"global_rope_theta": 500.0},
        {"local_rope_theta": 500.0},
        {"local_attention": 64},
        {"global_attn_every_n_layers": 2},
        {"classifier_pooling": "mean"},
        {"norm_eps": 0.1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_that_the_configuration_says_moves_the_logit(
    change: dict[str, object], tmp_path: Path
) -> None:
    """Without this, parity could be reached by weights that make everything vanish."""
    ids = token_ids(130)
    logits = []
    for number, config in enumerate((transformers_4(4, 3), {**transformers_4(4, 3), **change})):
        folder = write_checkpoint(tmp_path / str(number), config)
        logits.append(logit(graph_of(folder, tmp_path / f"{number}.onnx"), ids))
    assert abs(logits[0] - logits[1]) > 100 * TOLERANCE


def test_what_a_lossy_graph_loses_moves_a_score_by_far_less_than_int8_may(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", MODERNBERT["ten layers as xsmall-v2"])
    exact = graph_of(folder, tmp_path / "exact.onnx")
    lossy = graph_of(folder, tmp_path / "lossy.onnx", Lossy())
    for length in LENGTHS:
        ids = token_ids(length)
        assert sigmoid(logit(lossy, ids)) == pytest.approx(sigmoid(logit(exact, ids)), abs=0.003)
    assert (tmp_path / "lossy.onnx").stat().st_size < (tmp_path / "exact.onnx").stat().st_size


def test_a_graph_takes_ids_and_gives_a_logit() -> None:
    architecture = tiny_architecture()
    graph = architecture.onnx_graph(random_tensors(architecture)).graph
    assert [one.name for one in graph.input] == ["input_ids"]
    assert [one.name for one in graph.output] == ["logits"]
