"""The highest rate that holds a given p99."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_STEPS = 5
_UNSERVED_AT_MOST = 0.01


@dataclass(frozen=True, slots=True)
class Trial:
    """A rate in requests a second, the p99 that it had, and the share of requests for which nothing was scored."""

    rate: float
    p99_ms: float
    unserved: float = 0.0

    def holds(self, p99_ms: float) -> bool:
        """Whether 99 of 100 requests were served within the limit: a refusal is fast, but nobody is served by it."""
        return self.p99_ms <= p99_ms and self.unserved <= _UNSERVED_AT_MOST


async def highest_rate(
    trial: Callable[[float], Awaitable[Trial]], start: float, p99_ms: float
) -> list[Trial]:
    """Double the rate (or halve it) until it is bracketed, then halve the bracket five times.

    Args:
        trial: what a rate comes to.
        start: the first rate.
        p99_ms: the limit.

    Returns:
        All trials in their order; the answer is the highest rate among those within the limit.
    """
    trials: list[Trial] = []

    async def holds(rate: float) -> bool:
        trials.append(await trial(rate))
        return trials[-1].holds(p99_ms)

    low, high = await _bracket(holds, start)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if await holds(middle) else (low, middle)
    return trials


def best(trials: list[Trial], p99_ms: float) -> Trial | None:
    """None where even the lowest rate was too high."""
    held = [one for one in trials if one.holds(p99_ms)]
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
