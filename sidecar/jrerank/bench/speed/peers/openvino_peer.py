"""OpenVINO on the stock export: int8 weights, activations quantized per token while it runs.

The weights become what NNCF's `compress_weights` makes of them (INT8_SYM: a scale per output channel). It is not asked for that,
since it holds numpy to versions that are older than ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset13 as ops

from jrerank.bench.speed.contender import Contender
from jrerank.bench.speed.peers.onnx_peer import Ids, run_padded

_BATCH, _GROUP = 8, 256
_LARGEST = 127


def openvino_contenders(exported: Path) -> Iterator[Contender]:
    """In int8."""
    model = openvino.Core().read_model(exported)
    compress_weights(model)
    compiled = openvino.compile_model(
        model, "CPU", {"DYNAMIC_QUANTIZATION_GROUP_SIZE": str(_GROUP), "PERFORMANCE_HINT": "LATENCY"}
    )

    def score(ids: Ids, mask: Ids) -> object:
        return compiled({"input_ids": ids, "attention_mask": mask})

    description = (
        f"OpenVINO {openvino.__version__}, int8 weights, dynamic activations, padded batches of {_BATCH}"
    )
    yield Contender("OpenVINO int8", description, partial(run_padded, score, _BATCH))


def compress_weights(model: openvino.Model) -> int:
    """Put int8 weights in place of every matrix that something is multiplied with; how many there were."""
    matrices = [
        op.input(1)
        for op in model.get_ordered_ops()
        if op.get_type_name() == "MatMul" and op.input_value(1).get_node().get_type_name() == "Constant"
    ]
    for weights in matrices:
        transposed = bool(weights.get_node().get_attributes()["transpose_b"])
        constant = weights.get_source_output().get_node()
        weights.replace_source_output(_dequantized(constant.data, axis=1 if transposed else 0).output(0))
    return len(matrices)


def _dequantized(weights: npt.NDArray[np.float32], axis: int) -> openvino.Node:
    """`axis` is the one that is summed over."""
    scales = np.maximum(np.abs(weights).max(axis=axis, keepdims=True), np.finfo(np.float32).tiny) / _LARGEST
    quantized = np.rint(weights / scales).astype(np.int8)
    whole = ops.convert(ops.constant(quantized), "f32")
    return ops.multiply(whole, ops.constant(scales.astype(np.float32)))
