"""Evens out what the output projection of each MLP reads, before it is quantized.

Dynamic quantization has one scale for all channels of an activation. In the product of the two halves of a
GeGLU a few channels are ten times as wide as most, so most are left with few of the 256 steps. Dividing a
channel's row in the gate half by some factor and multiplying its column in the output projection by the same
leaves the model as it is and makes the channels alike (Xiao et al., "SmoothQuant", ICML 2023). Serving pays
nothing for it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from jrerank.models.checkpoint import Checkpoint, Float32Array, Weights
from jrerank.models.layout import pair_layout
from jrerank.models.session import open_session

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
    """Weights of the same model whose MLPs are easier to quantize; `exact` is its float32 graph."""
    smoothed = dict(weights)
    for layer, widths in enumerate(gated_widths(checkpoint, exact)):
        _smooth_mlp(smoothed, f"model.layers.{layer}.mlp", widths)
    return smoothed


def gated_widths(checkpoint: Checkpoint, exact: Path) -> list[Float32Array]:
    """For each layer the largest magnitude that each channel of the gated product takes on `PAIRS`."""
    names = [f"model.layers.{layer}.mlp.gated" for layer in range(checkpoint.config.num_layers)]
    probe = exact.with_name("probe.onnx")
    graph = onnx.load(exact)
    graph.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    onnx.save(graph, probe)
    try:
        session = open_session(probe)
        runs = [session.run(names, {"input_ids": ids}) for ids in _inputs(checkpoint)]
    finally:
        probe.unlink()
    return [np.max([np.abs(run[i]).max(axis=(0, 1)) for run in runs], axis=0) for i in range(len(names))]


def _inputs(checkpoint: Checkpoint) -> list[npt.NDArray[np.int64]]:
    layout = pair_layout(checkpoint.tokenizer, checkpoint.config.special_ids)
    halves = [checkpoint.tokenizer.encode_batch(list(pair), add_special_tokens=False) for pair in PAIRS]
    pairs = [layout.join(query.ids, passage.ids) for query, passage in halves]
    return [np.array([pair[: checkpoint.config.max_positions]], dtype=np.int64) for pair in pairs]


def _smooth_mlp(weights: dict[str, Float32Array], name: str, widths: Float32Array) -> None:
    columns = weights[f"{name}.Wo.weight"]
    factors = _factors(widths, np.abs(columns).max(axis=0))
    weights[f"{name}.Wo.weight"] = columns * factors
    for part in ("weight", "bias"):
        if (rows := weights.get(f"{name}.Wi.{part}")) is not None:
            inputs, gates = np.split(rows, 2)
            weights[f"{name}.Wi.{part}"] = np.concatenate([inputs, (gates.T / factors).T])


def _factors(widths: Float32Array, columns: Float32Array) -> Float32Array:
    factors = np.maximum(widths, _NARROWEST) ** _ALPHA / np.maximum(columns, _NARROWEST) ** (1 - _ALPHA)
    return factors.astype(np.float32)
