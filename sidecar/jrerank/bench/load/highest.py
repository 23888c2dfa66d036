"""The highest rate that holds a given p99."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_STEPS = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """A rate in requests a second, and the p99 that it had."""

    rate: float
    p99_ms: float


async def highest_rate(
    trial: Callable[[float], Awaitable[float]], start: float, p99_ms: float
) -> list[Trial]:
    """Double the rate (or halve it) until it is bracketed, then halve the bracket five times.

    Args:
        trial: the p99 in ms at a rate.
        start: the first rate.
        p99_ms: the limit.

    Returns:
        All trials in their order; the answer is the highest rate among those within the limit.
    """
    trials: list[Trial] = []

    async def holds(rate: float) -> bool:
        trials.append(Trial(rate, await trial(rate)))
        return trials[-1].p99_ms <= p99_ms

    low, high = await _bracket(holds, start)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if await holds(middle) else (low, middle)
    return trials


def best(trials: list[Trial], p99_ms: float) -> Trial | None:
    """None where even the lowest rate was too high."""
    held = [one for one in trials if one.p99_ms <= p99_ms]
    return max(held, key=lambda one: one.rate, default=None)


async def _bracket(holds: Callable[[float], Awaitable[bool]], start: float) -> tuple[float, float]:
    if await holds(start):
        low = start
        for _ in range(8):
            if not await holds(2 * low):
                return low, 2 * low
            low *= 2
        return low, 2 * low
    high = start
    for _ in range(6):
        if await holds(high / 2):
            return high / 2, high
        high /= 2
    return 0.0, high
