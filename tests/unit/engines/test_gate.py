"""The quality gate: what may serve in int8, and what may not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnxruntime.quantization import QuantType, quantize_dynamic

from builders import tiny_config, write_checkpoint, write_graph
from jrerank.domain import sigmoid
from jrerank.engines.gate import (
    PASSAGES,
    QUERIES,
    GateLimits,
    GateReport,
    check_finite,
    compare,
    compare_logits,
    gate_logits,
)
from jrerank.engines.onnx_cpu.artifact import Recipe
from jrerank.engines.onnx_cpu.build import build_into
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.errors import UnsupportedModel
from jrerank.models.architectures.modernbert.architecture import ModernBert
from jrerank.models.checkpoint import Checkpoint, load_checkpoint
from jrerank.models.source import open_checkpoint
from jrerank.settings import Settings

logit_lists = st.lists(st.floats(-8, 8), min_size=1, max_size=6)


def engines(*graphs: Path) -> tuple[OnnxCpuEngine, ...]:
    return tuple(OnnxCpuEngine(graph, workers=1) for graph in graphs)


def exact_logits(graph: Path, checkpoint: Checkpoint) -> list[list[float]]:
    (engine,) = engines(graph)
    rows = gate_logits(checkpoint, engine)
    return [[logit for logit in row if isinstance(logit, float)] for row in rows]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> GateLimits:
    for name in ("GATE_MAX_SCORE_SHIFT", "GATE_MAX_INVERSION"):
        monkeypatch.delenv(f"JRERANK_{name}", raising=False)
    settings = Settings.load()
    return GateLimits(settings.gate_max_score_shift, settings.gate_max_inversion)


def test_a_graph_that_int8_spoils_fails(limits: GateLimits, tmp_path: Path) -> None:
    """A thousandfold channel in front of every projection, undone behind it: the same model in float32 only."""
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "model", tiny_config()), "tiny")
    assert isinstance(checkpoint.architecture, ModernBert)
    config = checkpoint.architecture.config
    weights, inner = dict(checkpoint.weights()), config.intermediate_size
    for layer in range(config.num_layers):
        mlp = f"model.layers.{layer}.mlp"
        factors = np.where(np.arange(inner) == 3, 1000, 1).astype(np.float32)
        gates = np.concatenate([np.ones(inner, dtype=np.float32), factors])
        weights[f"{mlp}.Wi.weight"] = weights[f"{mlp}.Wi.weight"] * gates[:, None]
        weights[f"{mlp}.Wo.weight"] = weights[f"{mlp}.Wo.weight"] / factors
    exact, spoilt = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    write_graph(exact, checkpoint.architecture, weights)
    quantize_dynamic(
        exact, spoilt, weight_type=QuantType.QInt8, per_channel=False, extra_options={"DefaultTensorType": 1}
    )
    report = compare(checkpoint, *engines(exact, spoilt))
    assert not report.passes(limits)
    assert report.score_shift > 2 * limits.max_score_shift


def test_the_exact_graph_passes_any_gate(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "model", tiny_config()), "tiny")
    build_into(tmp_path, checkpoint, Recipe("fp32"))
    graph = tmp_path / "model.onnx"
    assert compare(checkpoint, *engines(graph, graph)).passes(GateLimits(0.0, 0.0))


def test_the_pairs_tell_relevant_from_irrelevant(tmp_path: Path) -> None:
    """The n-th query belongs to the passages 2n and 2n + 1, the first of which answers it."""
    checkpoint = open_checkpoint("bundled")
    build_into(tmp_path, checkpoint, Recipe("fp32"))
    logits = exact_logits(tmp_path / "model.onnx", checkpoint)
    best = [row.index(max(row)) // 2 for row in logits]
    assert sum(place == query for query, place in enumerate(best)) >= len(QUERIES) - 1
    scores = [sigmoid(logit) for row in logits for logit in row]
    assert min(scores) < 0.2
    assert max(scores) > 0.9


def test_pairs_end_where_the_models_positions_end(tmp_path: Path) -> None:
    config = tiny_config(max_position_embeddings=32)
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "model", config), "tiny")
    build_into(tmp_path, checkpoint, Recipe("fp32"))
    assert np.isfinite(exact_logits(tmp_path / "model.onnx", checkpoint)).all()


def test_the_shift_is_the_largest_change_of_a_score() -> None:
    report = compare_logits([[0.0, 2.0], [1.0]], [[0.0, 2.1], [0.5]])
    assert report.score_shift == pytest.approx(sigmoid(1.0) - sigmoid(0.5))
    assert report.pairs == 3


def test_an_inversion_counts_with_the_gap_that_float32_saw() -> None:
    report = compare_logits([[0.0, 0.1, 3.0]], [[0.2, 0.1, 3.0]])
    assert report.inversion == pytest.approx(sigmoid(0.1) - sigmoid(0.0))


def test_passages_of_different_queries_are_not_compared() -> None:
    assert compare_logits([[0.0], [1.0]], [[1.0], [0.0]]).inversion == 0.0


@given(before=st.lists(logit_lists, min_size=1, max_size=3))
def test_a_graph_compared_with_itself_has_no_error(before: list[list[float]]) -> None:
    report = compare_logits(before, before)
    assert (report.score_shift, report.inversion, report.pairs) == (0.0, 0.0, sum(map(len, before)))


@given(before=logit_lists, moves=st.lists(st.floats(-1, 1), min_size=6, max_size=6))
def test_no_gap_of_more_than_two_shifts_is_turned_round(before: list[float], moves: list[float]) -> None:
    report = compare_logits([before], [[logit + move for logit, move in zip(before, moves, strict=False)]])
    assert report.inversion <= 2 * report.score_shift + 1e-12


@pytest.mark.parametrize(
    ("shift", "inversion", "passes"),
    [(0.05, 0.03, True), (0.051, 0.0, False), (0.0, 0.031, False), (0.0, 0.0, True)],
)
def test_both_limits_count(shift: float, inversion: float, passes: bool) -> None:
    assert GateReport(shift, inversion, pairs=1).passes(GateLimits(0.05, 0.03)) is passes


def test_a_report_survives_being_kept() -> None:
    report = GateReport(0.01, 0.002, 72)
    assert GateReport(**report.as_json()) == report  # type: ignore[arg-type]


def broken(folder: Path) -> tuple[Path, Path, Checkpoint]:
    """A tiny model's graph, and one whose logit is never a number."""
    checkpoint = load_checkpoint(write_checkpoint(folder / "model", tiny_config()), "tiny")
    weights = dict(checkpoint.weights())
    whole = write_graph(folder / "whole.onnx", checkpoint.architecture, weights)
    weights["classifier.bias"] = np.array([np.nan], dtype=np.float32)
    return whole, write_graph(folder / "nan.onnx", checkpoint.architecture, weights), checkpoint


def test_an_engine_without_a_logit_fails_the_gate(tmp_path: Path) -> None:
    whole, nan, checkpoint = broken(tmp_path)
    assert compare(checkpoint, *engines(whole, nan)) == GateReport(1.0, 1.0, len(QUERIES) * len(PASSAGES))


def test_a_model_without_a_logit_is_refused(tmp_path: Path) -> None:
    _, nan, checkpoint = broken(tmp_path)
    with pytest.raises(UnsupportedModel, match="tiny cannot be served: the model gave nan for a window of"):
        compare(checkpoint, *engines(nan, nan))
    with pytest.raises(UnsupportedModel, match="tiny cannot be served"):
        check_finite(checkpoint, *engines(nan))


REPORT = {"score_shift": 0.01, "inversion": 0, "pairs": 72}


def test_a_report_is_read_as_it_was_written() -> None:
    report = GateReport.from_json(REPORT)
    assert report == GateReport(0.01, 0.0, 72)
    assert GateReport.from_json(json.loads(json.dumps(report.as_json()))) == report


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"score_shift": 0.01},
        REPORT | {"more": 1},
        REPORT | {"inversion": "none"},
        REPORT | {"inversion": None},
        REPORT | {"pairs": True},
        REPORT | {"score_shift": -0.1},
        REPORT | {"score_shift": float("nan")},
        REPORT | {"pairs": float("inf")},
    ],
)
def test_anything_else_is_no_report(content: object) -> None:
    with pytest.raises(ValueError, match="quality gate"):
        GateReport.from_json(content)
