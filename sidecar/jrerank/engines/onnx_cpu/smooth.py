"""Evens out what a product reads, before it is quantized.

Dynamic quantization has one scale for all channels of an activation. Where a few channels are ten times as wide as most, most
are left with few of the 256 steps. Dividing what makes a channel by some factor and multiplying what reads it by the same
leaves the model as it is and makes the channels alike (Xiao et al., "SmoothQuant", ICML 2023). Serving pays nothing for it.
Where that can be done depends on the architecture: see `Architecture.smoothing_points`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from jrerank.domain import Window
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.models.architectures.architecture import Float32Array, SmoothingPoint, Weights
from jrerank.models.checkpoint import Checkpoint

# What the widths are measured on: none of the quality gate's texts
PAIRS: tuple[tuple[str, str], ...] = (
    ("日本の首都はどこか", "東京は日本の首都で、人口はおよそ1400万人である。"),
    ("ラーメン 札幌", "札幌ラーメンは味噌味が有名だが、塩や醤油もある。"),
    ("Pythonのインストール", 'Download the installer from python.org, run it, and check "Add to PATH".'),
    (
        "民法 契約",
        "契約は、申込みの意思表示に対して相手方が承諾をしたときに成立する。",
    ),
    ("a", "。"),
    ("電話番号", "お問い合わせは 03-1234-5678（平日 9:00〜17:00）まで。メール：info@example.com"),
)
# How much of the unevenness goes from the activations to the weights: of 0.3 to 1 the least error on `bundled`
_ALPHA = 0.7
_NARROWEST = 1e-5


def smooth(checkpoint: Checkpoint, weights: Weights, exact: Path) -> dict[str, Float32Array]:
    """Weights of the same model that are easier to quantize; `exact` is its float32 graph."""
    smoothed, points = dict(weights), checkpoint.architecture.smoothing_points
    for point, widths in zip(points, channel_widths(checkpoint, exact), strict=True):
        _smooth(smoothed, point, widths)
    return smoothed


def channel_widths(checkpoint: Checkpoint, exact: Path) -> list[Float32Array]:
    """For each smoothing point the largest magnitude that each channel takes on `PAIRS`."""
    names = [point.activation for point in checkpoint.architecture.smoothing_points]
    probe = exact.with_name("probe.onnx")
    model = onnx.load(exact)
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    onnx.save(model, probe)
    try:
        graph = Graph(probe, checkpoint.layout.passage_type)
        runs = [graph.outputs(names, window) for window in measured_windows(checkpoint)]
    finally:
        probe.unlink()
    return [np.max([np.abs(run[i]).max(axis=(0, 1)) for run in runs], axis=0) for i in range(len(names))]


def measured_windows(checkpoint: Checkpoint) -> list[Window]:
    """`PAIRS` as the checkpoint reads them."""
    longest = checkpoint.architecture.max_tokens
    windows = [checkpoint.layout.join(*_halves(checkpoint, pair)) for pair in PAIRS]
    return [Window(window.ids[:longest], window.passage_start) for window in windows]


def _halves(checkpoint: Checkpoint, pair: Sequence[str]) -> list[list[int]]:
    return [checkpoint.tokenizer.encode(text, add_special_tokens=False).ids for text in pair]


def _smooth(weights: dict[str, Float32Array], point: SmoothingPoint, widths: Float32Array) -> None:
    columns = weights[point.reader]
    factors = _factors(widths, np.abs(columns).max(axis=0))
    weights[point.reader] = columns * factors
    for name in point.writers:
        if name in weights:
            rows = weights[name].copy()
            rows[point.rows] = (rows[point.rows].T / factors).T
            weights[name] = rows


def _factors(widths: Float32Array, columns: Float32Array) -> Float32Array:
    factors = np.maximum(widths, _NARROWEST) ** _ALPHA / np.maximum(columns, _NARROWEST) ** (1 - _ALPHA)
    return factors.astype(np.float32)
