"""A percentile of waits, such that a few of them pretend to no more than they say."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

FEWEST_FOR_PERCENTILES = 100


def percentile(values: Sequence[float], percent: int) -> float:
    """The slowest where there are fewer than 100, among which no hundredth can be told; 0 of none."""
    if len(values) < FEWEST_FOR_PERCENTILES:
        return max(values, default=0.0)
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
