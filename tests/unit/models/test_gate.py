"""The quality gate: what may serve in int8, and what may not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import QuantType, quantize_dynamic

from builders import tiny_config, write_checkpoint
from jrerank.domain import sigmoid
from jrerank.models.artifacts import Recipe
from jrerank.models.build import build_into
from jrerank.models.checkpoint import load_checkpoint
from jrerank.models.gate import PASSAGES, QUERIES, gate, gate_logits
from jrerank.models.graph import build_graph
from jrerank.models.quantize import GateLimits, GateReport
from jrerank.models.source import open_checkpoint
from jrerank.settings import Settings


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> GateLimits:
    for name in ("GATE_MAX_SCORE_SHIFT", "GATE_MAX_INVERSION"):
        monkeypatch.delenv(f"JRERANK_{name}", raising=False)
    settings = Settings.load()
    return GateLimits(settings.gate_max_score_shift, settings.gate_max_inversion)


@pytest.mark.parametrize(
    ("model", "reduce_range"),
    [("bundled", False), ("bundled", True), ("random:tiny-v2", True)],
    ids=["bundled with VNNI", "bundled with AVX2", "random with AVX2"],
)
def test_int8_passes_with_room(model: str, reduce_range: bool, limits: GateLimits, tmp_path: Path) -> None:
    build_into(tmp_path, open_checkpoint(model), Recipe("int8", reduce_range))
    report = GateReport(**_json(tmp_path / "gate.json"))
    assert report.pairs == len(QUERIES) * len(PASSAGES)
    assert report.passes(GateLimits(0.75 * limits.max_score_shift, 0.75 * limits.max_inversion))


def test_a_graph_that_int8_spoils_fails(limits: GateLimits, tmp_path: Path) -> None:
    """A thousandfold channel in front of every projection, undone behind it: the same model in float32 only."""
    checkpoint = open_checkpoint("bundled")
    weights, inner = dict(checkpoint.weights()), checkpoint.config.intermediate_size
    for layer in range(checkpoint.config.num_layers):
        mlp = f"model.layers.{layer}.mlp"
        factors = np.where(np.arange(inner) == 3, 1000, 1).astype(np.float32)
        gates = np.concatenate([np.ones(inner, dtype=np.float32), factors])
        weights[f"{mlp}.Wi.weight"] = weights[f"{mlp}.Wi.weight"] * gates[:, None]
        weights[f"{mlp}.Wo.weight"] = weights[f"{mlp}.Wo.weight"] / factors
    exact, spoilt = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    onnx.save(build_graph(checkpoint.config, weights), exact)
    quantize_dynamic(
        exact, spoilt, weight_type=QuantType.QInt8, per_channel=False, extra_options={"DefaultTensorType": 1}
    )
    report = gate(checkpoint, exact, spoilt)
    assert not report.passes(limits)
    assert report.score_shift > 2 * limits.max_score_shift


def test_the_exact_graph_passes_any_gate(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "model", tiny_config()), "tiny")
    build_into(tmp_path, checkpoint, Recipe("fp32"))
    graph = tmp_path / "model.onnx"
    assert gate(checkpoint, graph, graph).passes(GateLimits(0.0, 0.0))


def test_the_pairs_tell_relevant_from_irrelevant(tmp_path: Path) -> None:
    """The n-th query belongs to the passages 2n and 2n + 1, the first of which answers it."""
    checkpoint = open_checkpoint("bundled")
    build_into(tmp_path, checkpoint, Recipe("fp32"))
    logits = gate_logits(checkpoint, tmp_path / "model.onnx")
    best = [row.index(max(row)) // 2 for row in logits]
    assert sum(place == query for query, place in enumerate(best)) >= len(QUERIES) - 1
    scores = [sigmoid(logit) for row in logits for logit in row]
    assert min(scores) < 0.2
    assert max(scores) > 0.9


def test_pairs_end_where_the_models_positions_end(tmp_path: Path) -> None:
    config = tiny_config(max_position_embeddings=32)
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "model", config), "tiny")
    build_into(tmp_path, checkpoint, Recipe("fp32"))
    assert np.isfinite(gate_logits(checkpoint, tmp_path / "model.onnx")).all()


def _json(path: Path) -> dict[str, int]:
    content: dict[str, int] = json.loads(path.read_text())
    return content
