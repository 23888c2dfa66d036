"""int8, and the gate that compares it with fp32 before it may serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from jrerank.domain import sigmoid

_HEAD = ["head.dense.matmul", "classifier.matmul"]


def quantize_int8(source: Path, target: Path, *, reduce_range: bool) -> None:
    """Write the graph at `source` with int8 MatMuls: one scale per output channel, activations as they come.

    The head stays float32: it is one row, so it costs nothing, and its error goes straight into the score.

    Args:
        reduce_range: weights of 7 bits, for CPUs whose int8 products saturate 16 bits (AVX2 without VNNI).
    """
    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul"],
        nodes_to_exclude=_HEAD,
        per_channel=True,
        reduce_range=reduce_range,
        weight_type=QuantType.QInt8,
        # the types of com.microsoft's outputs are not inferred; all of them are float32 here
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


@dataclass(frozen=True, slots=True)
class GateLimits:
    """How far int8 may move a score (0 to 1), and how large a score gap it may turn round."""

    max_score_shift: float
    max_inversion: float


@dataclass(frozen=True, slots=True)
class GateReport:
    """What the gate saw. `score_shift` and `inversion` are the worst of all pairs, in scores."""

    score_shift: float
    inversion: float
    pairs: int

    def passes(self, limits: GateLimits) -> bool:
        """Whether int8 may serve."""
        return self.score_shift <= limits.max_score_shift and self.inversion <= limits.max_inversion

    def as_json(self) -> dict[str, float | int]:
        """As it is kept beside the artifact."""
        return asdict(self)


def compare(exact: Sequence[Sequence[float]], quantized: Sequence[Sequence[float]]) -> GateReport:
    """Compare the logits of fp32 and int8; one inner sequence for each query of the gate's set.

    An inversion counts with the gap that fp32 sees between the two passages: passages that fp32 holds for
    equal may change places freely.
    """
    shift = inversion = 0.0
    for before_logits, after_logits in zip(exact, quantized, strict=True):
        before, after = [sigmoid(x) for x in before_logits], [sigmoid(x) for x in after_logits]
        shift = max(shift, *(abs(a - b) for a, b in zip(before, after, strict=True)))
        inversion = max(inversion, _worst_inversion(before, after))
    return GateReport(score_shift=shift, inversion=inversion, pairs=sum(map(len, exact)))


def _worst_inversion(before: Sequence[float], after: Sequence[float]) -> float:
    gaps = (
        before[i] - before[j]
        for i in range(len(before))
        for j in range(len(before))
        if before[i] > before[j] and after[i] < after[j]
    )
    return max(gaps, default=0.0)
