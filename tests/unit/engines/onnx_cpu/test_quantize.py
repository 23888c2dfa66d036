"""A graph in int8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from builders import random_tensors, tiny_architecture, window, write_graph
from jrerank.domain import sigmoid
from jrerank.engines.onnx_cpu.quantize import quantize_int8
from jrerank.engines.onnx_cpu.session import Graph


def quantized(folder: Path, *, reduce_range: bool = False) -> onnx.ModelProto:
    architecture = tiny_architecture()
    source = write_graph(folder / "fp32.onnx", architecture, random_tensors(architecture))
    quantize_int8(source, folder / "int8.onnx", architecture.exact_products, reduce_range=reduce_range)
    return onnx.load(folder / "int8.onnx")


def int8_weights(model: onnx.ModelProto) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int8]]]:
    arrays = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    return {name: array for name, array in arrays.items() if array.dtype == np.int8 and array.ndim == 2}


def test_every_product_of_the_layers_is_int8_and_the_head_stays_exact(tmp_path: Path) -> None:
    model = quantized(tmp_path)
    left = [node.name for node in model.graph.node if node.op_type == "MatMul"]
    assert left == ["head.dense.matmul", "classifier.matmul"]
    assert len(int8_weights(model)) == 4 * 7  # in each of 4 layers q, k, v, Wo, two halves of Wi, Wo


def test_each_output_channel_has_a_scale_of_its_own(tmp_path: Path) -> None:
    scales = {one.name: one.dims for one in quantized(tmp_path).graph.initializer if "scale" in one.name}
    assert list(scales["model.layers.0.attn.q.weight_scale"]) == [32]
    assert list(scales["model.layers.0.mlp.input.weight_scale"]) == [48]


@pytest.mark.parametrize(("reduce_range", "widest"), [(False, 127), (True, 64)])
def test_a_reduced_range_leaves_a_bit_unused(reduce_range: bool, widest: int, tmp_path: Path) -> None:
    weights = int8_weights(quantized(tmp_path, reduce_range=reduce_range))
    assert max(int(np.abs(weight.astype(int)).max()) for weight in weights.values()) == pytest.approx(
        widest, abs=1
    )


@pytest.mark.parametrize("reduce_range", [False, True])
def test_the_score_moves_but_little(reduce_range: bool, tmp_path: Path) -> None:
    quantized(tmp_path, reduce_range=reduce_range)
    read = window([1, *range(10, 60), 2])
    exact, rounded = (Graph(tmp_path / f"{kind}.onnx").logit(read) for kind in ("fp32", "int8"))
    assert 0 < abs(sigmoid(exact) - sigmoid(rounded)) < 0.1
