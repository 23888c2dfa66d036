"""int8, and the comparison with float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from builders import random_tensors, tiny_config
from jrerank.domain import sigmoid
from jrerank.models.config import ModernBertConfig
from jrerank.models.graph import build_graph
from jrerank.models.quantize import GateLimits, GateReport, compare, quantize_int8
from jrerank.models.session import open_session, run_pair

logits = st.lists(st.floats(-8, 8), min_size=1, max_size=6)


def quantized(folder: Path, *, reduce_range: bool = False) -> onnx.ModelProto:
    config = ModernBertConfig.from_json(tiny_config())
    onnx.save(build_graph(config, random_tensors(config)), folder / "fp32.onnx")
    quantize_int8(folder / "fp32.onnx", folder / "int8.onnx", reduce_range=reduce_range)
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
    ids = [1, *range(10, 60), 2]
    exact, rounded = (run_pair(open_session(tmp_path / f"{kind}.onnx"), ids) for kind in ("fp32", "int8"))
    assert 0 < abs(sigmoid(exact) - sigmoid(rounded)) < 0.1


def test_the_shift_is_the_largest_change_of_a_score() -> None:
    report = compare([[0.0, 2.0], [1.0]], [[0.0, 2.1], [0.5]])
    assert report.score_shift == pytest.approx(sigmoid(1.0) - sigmoid(0.5))
    assert report.pairs == 3


def test_an_inversion_counts_with_the_gap_that_float32_saw() -> None:
    report = compare([[0.0, 0.1, 3.0]], [[0.2, 0.1, 3.0]])
    assert report.inversion == pytest.approx(sigmoid(0.1) - sigmoid(0.0))


def test_passages_of_different_queries_are_not_compared() -> None:
    assert compare([[0.0], [1.0]], [[1.0], [0.0]]).inversion == 0.0


@given(before=st.lists(logits, min_size=1, max_size=3))
def test_a_graph_compared_with_itself_has_no_error(before: list[list[float]]) -> None:
    report = compare(before, before)
    assert (report.score_shift, report.inversion, report.pairs) == (0.0, 0.0, sum(map(len, before)))


@given(before=logits, moves=st.lists(st.floats(-1, 1), min_size=6, max_size=6))
def test_no_gap_of_more_than_two_shifts_is_turned_round(before: list[float], moves: list[float]) -> None:
    report = compare([before], [[logit + move for logit, move in zip(before, moves, strict=False)]])
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
