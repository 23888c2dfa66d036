"""A graph in int8."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic


def quantize_int8(source: Path, target: Path, exact_products: Collection[str], *, reduce_range: bool) -> None:
    """Write the graph at `source` with int8 MatMuls: one scale per output channel, activations as they come.

    Args:
        exact_products: MatMuls that stay float32: those of the head are of one row, so they cost nothing, and their error would
            go straight into the score.
        reduce_range: weights of 7 bits, for CPUs whose int8 products saturate 16 bits (AVX2 without VNNI).
    """
    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul"],
        nodes_to_exclude=list(exact_products),
        per_channel=True,
        reduce_range=reduce_range,
        weight_type=QuantType.QInt8,
        # the types of com.microsoft's outputs are not inferred; all of them are float32 here
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )
