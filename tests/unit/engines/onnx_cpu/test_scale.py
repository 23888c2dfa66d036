"""Scaling by nodes of its own: the same logits, and an int8 that survives channels of very unlike widths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from builders import write_checkpoint, write_graph
from jrerank.engines.gate import GateReport, compare
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.engines.onnx_cpu.quantize import quantize_int8
from jrerank.engines.onnx_cpu.scale import scale_inputs
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.models.architectures.architecture import Float32Array
from jrerank.models.checkpoint import Checkpoint, load_checkpoint
from parity import POST_NORM, random_window


def tiny(folder: Path, kind: str) -> Checkpoint:
    return load_checkpoint(write_checkpoint(folder / "model", *POST_NORM[kind]), "tiny")


def with_wide_channels(checkpoint: Checkpoint) -> dict[str, Float32Array]:
    """As trained ones have them: a layer norm makes one channel a hundred times as wide, what reads it that much narrower."""
    weights = dict(checkpoint.weights())
    for name, tensor in checkpoint.weights().items():
        if name.endswith("LayerNorm.weight") and ".layer." in name:
            weights[name] = tensor * np.where(np.arange(len(tensor)) == 3, 100, 1).astype(np.float32)
        if name.endswith(("query.weight", "key.weight", "value.weight", "intermediate.dense.weight")):
            weights[name] = tensor * np.where(np.arange(tensor.shape[1]) == 3, 0.01, 1).astype(np.float32)
    return weights


def reports(checkpoint: Checkpoint, folder: Path) -> list[GateReport]:
    """Without scaling, and with it."""
    architecture, weights = checkpoint.architecture, with_wide_channels(checkpoint)
    exact = write_graph(folder / "exact.onnx", architecture, weights)
    plain, scaled = folder / "plain.onnx", folder / "scaled.onnx"
    quantize_int8(exact, plain, architecture.exact_products, reduce_range=False)
    source = write_graph(folder / "source.onnx", architecture, weights)
    scale_inputs(checkpoint, source, architecture.exact_products)
    quantize_int8(source, scaled, architecture.exact_products, reduce_range=False)
    engines = [OnnxCpuEngine(path, 1, checkpoint.layout.passage_type) for path in (exact, plain, scaled)]
    return [compare(checkpoint, engines[0], engine) for engine in engines[1:]]


@pytest.mark.parametrize("kind", POST_NORM)
def test_the_logits_stay(kind: str, tmp_path: Path) -> None:
    checkpoint = tiny(tmp_path, kind)
    graphs = [
        write_graph(tmp_path / name, checkpoint.architecture, checkpoint.weights()) for name in ("a", "b")
    ]
    scale_inputs(checkpoint, graphs[1], checkpoint.architecture.exact_products)
    for lengths in ((1, 1), (5, 30)):
        window = random_window(checkpoint, *lengths)
        before, after = (Graph(path, checkpoint.layout.passage_type).logit(window) for path in graphs)
        assert after == pytest.approx(before, abs=1e-4)


def test_every_product_of_a_weight_reads_scaled_channels_but_the_exact_ones(tmp_path: Path) -> None:
    checkpoint = tiny(tmp_path, "XLM-RoBERTa")
    path = write_graph(tmp_path / "graph.onnx", checkpoint.architecture, checkpoint.weights())
    scale_inputs(checkpoint, path, checkpoint.architecture.exact_products)
    products = {node.name: node.input[0] for node in onnx.load(path).graph.node if node.op_type == "MatMul"}
    exact = {name for name, read in products.items() if not read.endswith(".scaled")}
    assert exact == set(checkpoint.architecture.exact_products)


def test_int8_is_nearer_to_float32(tmp_path: Path) -> None:
    plain, scaled = reports(tiny(tmp_path, "XLM-RoBERTa"), tmp_path)
    assert scaled.score_shift < plain.score_shift / 2
