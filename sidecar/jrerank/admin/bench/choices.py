"""The options that choose among our own engines, precisions and graphs."""

from __future__ import annotations

from enum import StrEnum


class Engine(StrEnum):
    """What computes."""

    ONNX = "onnx"
    TORCH = "torch"


class Precision(StrEnum):
    """Of a model's graph; torch has the halves, onnx has int8."""

    INT8 = "int8"
    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"


class Graph(StrEnum):
    """Who built it."""

    OWN = "own"
    PREBUILT = "prebuilt"
