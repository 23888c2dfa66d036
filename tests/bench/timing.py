"""How a time is taken."""

from __future__ import annotations

import time
from collections.abc import Callable


def best_of(runs: int, run: Callable[[], object]) -> float:
    """Seconds of the fastest of `runs`, after one that warms up."""
    run()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)
