"""How fast the machine is at this moment: a fixed computation that no change of ours can make faster or slower."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from jrerank.cpu import usable_cores

# reports of another are not compared by it: a new number for any other work
YARDSTICK = "int8-feed-forward/1"
_ROWS, _WIDTH, _INNER = 192, 256, 1024
_PIECES = 40  # for each core, about a ms each
_SEED = 5


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of one go by the wall's clock, and of the CPU, on all cores together."""

    wall_s: float
    cpu_s: float


class Yardstick:
    """What an engine is made of, a feed-forward layer in int8 with its activation in float, on every core, some tens of ms long.

    Of the same kind as what it stands beside, since what slows a machine down (a neighbour on the same core, its clock, its caches)
    slows vector units, scalar code and memory down by different shares. In pieces that the threads take as they come, as workers
    take windows: with a fixed part for each, the slowest core alone would decide.
    """

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        graph = _layers().SerializeToString()
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        rows = np.random.default_rng(_SEED).standard_normal((_ROWS, _WIDTH), dtype=np.float32)
        cores = usable_cores()
        self._pieces = [{"rows": rows}] * (_PIECES * cores)
        self._pool = ThreadPoolExecutor(cores)
        self.measure()

    def measure(self) -> Pace:
        """One go, the time that others took from it included in the wall's."""
        cpu, started = time.process_time(), time.perf_counter()
        list(self._pool.map(self._run, self._pieces))
        return Pace(time.perf_counter() - started, time.process_time() - cpu)

    def close(self) -> None:
        """End its threads."""
        self._pool.shutdown()

    def _run(self, feed: dict[str, np.ndarray]) -> None:
        self._session.run(None, feed)


def _layers() -> onnx.ModelProto:
    """Out of _WIDTH, into _INNER and back."""
    generator = np.random.default_rng(_SEED)
    nodes, weights, source = [], [], "rows"
    for number, shape in enumerate(((_WIDTH, _INNER), (_INNER, _WIDTH))):
        matrix = generator.integers(-127, 128, shape, dtype=np.int8)
        weights.append(numpy_helper.from_array(matrix, f"weights{number}"))
        nodes += _layer(source, number)
        source = f"active{number}"
    graph = helper.make_graph(
        nodes,
        "yardstick",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [_ROWS, _WIDTH])],
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, [_ROWS, _WIDTH])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _layer(source: str, number: int) -> list[onnx.NodeProto]:
    """Quantize, multiply, scale, activate."""
    quantized, scale, zero, sums, whole, scaled = (
        f"{name}{number}" for name in ("quantized", "scale", "zero", "sums", "whole", "scaled")
    )
    return [
        helper.make_node("DynamicQuantizeLinear", [source], [quantized, scale, zero]),
        helper.make_node("MatMulInteger", [quantized, f"weights{number}", zero], [sums]),
        helper.make_node("Cast", [sums], [whole], to=TensorProto.FLOAT),
        helper.make_node("Mul", [whole, scale], [scaled]),
        helper.make_node("Softmax", [scaled], [f"soft{number}"], axis=-1),
        helper.make_node("Erf", [f"soft{number}"], [f"active{number}"]),
    ]
