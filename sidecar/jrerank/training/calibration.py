"""Whether a score can be read as a probability: how often a passage with such a score is the right one."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from jrerank.training.development import Judged

_EDGES = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class Bin:
    """Scores from `low` to `high`: how many, their mean, and the share of right passages among them."""

    low: float
    high: float
    count: int
    mean_score: float
    right_share: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Median scores of the right passages, of each list's best wrong one and of all wrong ones, and the curve."""

    right: float
    hardest: float
    wrong: float
    bins: tuple[Bin, ...]


def calibration(lists: Sequence[Judged], logits: Sequence[Sequence[float]]) -> Calibration | None:
    """Of the lists that hold the right passage and another; None where there are none."""
    scored = [
        ([_sigmoid(logit) for logit in row], judged.right)
        for judged, row in zip(lists, logits, strict=True)
        if judged.right is not None and len(row) > 1
    ]
    if not scored:
        return None
    labelled = [(score, i == right) for row, right in scored for i, score in enumerate(row)]
    hardest = [max(score for i, score in enumerate(row) if i != right) for row, right in scored]
    return Calibration(
        right=statistics.median(score for score, right in labelled if right),
        hardest=statistics.median(hardest),
        wrong=statistics.median(score for score, right in labelled if not right),
        bins=tuple(_bins(labelled)),
    )


def _bins(labelled: Sequence[tuple[float, bool]]) -> list[Bin]:
    bins = []
    for low, high in pairwise(_EDGES):
        inside = [
            (score, right) for score, right in labelled if low <= score < high or score == high == _EDGES[-1]
        ]
        if inside:
            mean = statistics.fmean(score for score, _ in inside)
            bins.append(Bin(low, high, len(inside), mean, sum(right for _, right in inside) / len(inside)))
    return bins


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))
