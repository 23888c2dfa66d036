"""Smoothing: the same model, easier to quantize."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from builders import (
    tiny_bert_config,
    tiny_config,
    tiny_xlm_roberta_config,
    window,
    wordpiece_tokenizer,
    write_checkpoint,
    write_graph,
    xlm_roberta_tokenizer,
)
from jrerank.engines.gate import compare
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.engines.onnx_cpu.quantize import quantize_int8
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.engines.onnx_cpu.smooth import smooth
from jrerank.models.architectures.architecture import Float32Array, Weights
from jrerank.models.checkpoint import Checkpoint, load_checkpoint
from parity import POST_NORM

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


@pytest.mark.parametrize(
    ("config", "tokenizer"),
    [(tiny_bert_config(), wordpiece_tokenizer()), (tiny_xlm_roberta_config(), xlm_roberta_tokenizer())],
    ids=["BERT", "XLM-RoBERTa"],
)
def test_layer_norms_are_smoothed_and_what_they_leave_as_residual_stays(
    config: dict[str, object], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "model", config, tokenizer), "tiny")
    exact = graph_of(checkpoint, checkpoint.weights(), tmp_path / "exact.onnx")
    smoothed = smooth(checkpoint, checkpoint.weights(), exact)
    same = graph_of(checkpoint, smoothed, tmp_path / "smooth.onnx")
    logits = [Graph(path, checkpoint.layout.passage_type).logit(WINDOW) for path in (exact, same)]
    assert logits[0] == pytest.approx(logits[1], abs=1e-4)
    norms = [name for name in smoothed if name.endswith("LayerNorm.residual")]
    assert len(norms) == 2 * 3


def with_wide_channels(checkpoint: Checkpoint) -> dict[str, Float32Array]:
    """As trained ones have them: a layer norm makes one channel a hundred times as wide, what reads it that much narrower."""
    weights = dict(checkpoint.weights())
    for name, tensor in checkpoint.weights().items():
        if name.endswith("LayerNorm.weight") and ".layer." in name:
            weights[name] = tensor * np.where(np.arange(len(tensor)) == 3, 100, 1).astype(np.float32)
        if name.endswith(("query.weight", "key.weight", "value.weight", "intermediate.dense.weight")):
            weights[name] = tensor * np.where(np.arange(tensor.shape[1]) == 3, 0.01, 1).astype(np.float32)
    return weights


def test_wide_channels_of_layer_norms_cost_int8_less(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", *POST_NORM["XLM-RoBERTa"])
    checkpoint = load_checkpoint(folder, "tiny")
    weights = with_wide_channels(checkpoint)
    exact = graph_of(checkpoint, weights, tmp_path / "exact.onnx")
    smoothed = graph_of(checkpoint, smooth(checkpoint, weights, exact), tmp_path / "smooth.onnx")
    shifts = []
    for number, source in enumerate((exact, smoothed)):
        target = tmp_path / f"{number}.onnx"
        quantize_int8(source, target, checkpoint.architecture.exact_products, reduce_range=False)
        engines = [OnnxCpuEngine(path, workers=1) for path in (exact, target)]
        shifts.append(compare(checkpoint, *engines).score_shift)
    assert shifts[1] < shifts[0] / 2
