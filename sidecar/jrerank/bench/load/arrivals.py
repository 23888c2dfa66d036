"""When requests are sent: decided before the first of them, so that a slow answer never delays the next request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Arrivals = Literal["constant", "poisson"]


def arrival_times(rate: float, seconds: float, kind: Arrivals, seed: int = 1) -> list[float]:
    """Seconds from the start, ascending: evenly spaced, or with exponential gaps, as independent users come."""
    if kind == "constant":
        return [number / rate for number in range(int(rate * seconds))]
    generator = np.random.default_rng(seed)
    times: list[float] = []
    at = float(generator.exponential(1 / rate))
    while at < seconds:
        times.append(at)
        at += float(generator.exponential(1 / rate))
    return times


def replayed(times: Sequence[float], speed: float = 1.0) -> list[float]:
    """A log's own times, from its first request on, `speed` times as fast."""
    first = min(times, default=0.0)
    return sorted((at - first) / speed for at in times)
