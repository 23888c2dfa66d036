"""Smoothing: the same model, easier to quantize."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from builders import tiny_config, window, write_checkpoint, write_graph
from jrerank.engines.gate import PASSAGES, QUERIES, compare
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.engines.onnx_cpu.quantize import quantize_int8
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.engines.onnx_cpu.smooth import PAIRS, channel_widths, smooth
from jrerank.models.architectures.architecture import Float32Array, Weights
from jrerank.models.checkpoint import Checkpoint, load_checkpoint

WINDOW = window([1, *range(10, 90), 2])
LAYERS, INNER = 4, 48


def graph_of(checkpoint: Checkpoint, weights: Weights, path: Path) -> Path:
    return write_graph(path, checkpoint.architecture, weights)


def tiny(folder: Path, **changes: object) -> Checkpoint:
    return load_checkpoint(write_checkpoint(folder / "model", tiny_config(**changes)), "tiny")


def with_a_wide_channel(
    checkpoint: Checkpoint,
) -> dict[str, Float32Array]:
    """What a few channels of trained models look like: hundreds of times as wide as the others."""
    weights = dict(checkpoint.weights())
    for layer in range(LAYERS):
        rows = weights[f"model.layers.{layer}.mlp.Wi.weight"].copy()
        columns = weights[f"model.layers.{layer}.mlp.Wo.weight"].copy()
        rows[INNER + 5] *= 300
        columns[:, 5] /= 300
        weights |= {
            f"model.layers.{layer}.mlp.Wi.weight": rows,
            f"model.layers.{layer}.mlp.Wo.weight": columns,
        }
    return weights


@pytest.mark.parametrize("mlp_bias", [False, True])
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_the_logit_stays(mlp_bias: bool, pooling: str, tmp_path: Path) -> None:
    checkpoint = tiny(tmp_path, mlp_bias=mlp_bias, classifier_pooling=pooling)
    exact = graph_of(checkpoint, checkpoint.weights(), tmp_path / "exact.onnx")
    smoothed = smooth(checkpoint, checkpoint.weights(), exact)
    same = graph_of(checkpoint, smoothed, tmp_path / "smooth.onnx")
    logits = [Graph(path).logit(WINDOW) for path in (exact, same)]
    assert logits[0] == pytest.approx(logits[1], abs=1e-4)


def test_only_the_mlps_change(tmp_path: Path) -> None:
    checkpoint = tiny(tmp_path)
    before = checkpoint.weights()
    after = smooth(checkpoint, before, graph_of(checkpoint, before, tmp_path / "exact.onnx"))
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    parts = ("mlp.Wi.weight", "mlp.Wo.weight")
    assert changed == {f"model.layers.{layer}.{part}" for layer in range(4) for part in parts}
    for layer in range(4):
        name = f"model.layers.{layer}.mlp.Wi.weight"
        np.testing.assert_array_equal(before[name][:INNER], after[name][:INNER])


def test_a_wide_channel_costs_int8_less(tmp_path: Path) -> None:
    checkpoint = tiny(tmp_path, classifier_pooling="mean")
    weights = with_a_wide_channel(checkpoint)
    exact = graph_of(checkpoint, weights, tmp_path / "exact.onnx")
    smooth_graph = graph_of(checkpoint, smooth(checkpoint, weights, exact), tmp_path / "smooth.onnx")
    shifts = []
    for number, source in enumerate((exact, smooth_graph)):
        target = tmp_path / f"{number}.onnx"
        quantize_int8(source, target, checkpoint.architecture.exact_products, reduce_range=False)
        engines = [OnnxCpuEngine(path, workers=1) for path in (exact, target)]
        shifts.append(compare(checkpoint, *engines).score_shift)
    assert shifts[1] < shifts[0] / 3


def test_widths_are_one_for_each_channel_of_each_layer(tmp_path: Path) -> None:
    checkpoint = tiny(tmp_path)
    widths = channel_widths(checkpoint, graph_of(checkpoint, checkpoint.weights(), tmp_path / "exact.onnx"))
    assert [width.shape for width in widths] == [(48,)] * 4
    assert all((width > 0).all() for width in widths)


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    checkpoint = tiny(tmp_path)
    (tmp_path / "build").mkdir()
    channel_widths(checkpoint, graph_of(checkpoint, checkpoint.weights(), tmp_path / "build" / "exact.onnx"))
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["exact.onnx"]


def test_the_gate_judges_on_other_texts() -> None:
    assert not {text for pair in PAIRS for text in pair} & {*QUERIES, *PASSAGES}
