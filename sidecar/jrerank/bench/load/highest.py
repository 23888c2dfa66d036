"""The highest rate that holds a given p99."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass

FEWEST_REQUESTS = 100  # of fewer, the p99 is the slowest

_STEPS = 5
_DOUBLINGS, _HALVINGS = 8, 6
_UNSERVED_AT_MOST = 0.01


@dataclass(frozen=True, slots=True)
class Trial:
    """A rate in requests a second, the p99 that it had, and the share of requests for which nothing was scored.

    `stopped_answering` is why no request is answered any more, empty where some are.
    """

    rate: float
    p99_ms: float
    unserved: float = 0.0
    stopped_answering: str = ""

    def holds(self, p99_ms: float) -> bool:
        """Whether 99 of 100 requests were served within the limit: a refusal is fast, but nobody is served by it."""
        return self.p99_ms <= p99_ms and self.unserved <= _UNSERVED_AT_MOST


async def highest_rate(
    trial: Callable[[float], Awaitable[Trial]], start: float, p99_ms: float, lowest: float = 0.0
) -> list[Trial]:
    """Double the rate (or halve it) until it is bracketed, then halve the bracket five times.

    Args:
        trial: what a rate comes to.
        start: the first rate.
        p99_ms: the limit.
        lowest: no rate below it is tried.

    Returns:
        All trials in their order, up to one at which the target stopped answering; the answer is the highest rate among
        those within the limit.
    """
    trials: list[Trial] = []
    rates = _rates(start, lowest)
    rate = next(rates)
    while True:
        trials.append(await trial(rate))
        if trials[-1].stopped_answering:
            return trials
        try:
            rate = rates.send(trials[-1].holds(p99_ms))
        except StopIteration:
            return trials


def best(trials: list[Trial], p99_ms: float) -> Trial | None:
    """None where even the lowest rate was too high."""
    held = [one for one in trials if one.holds(p99_ms)]
    return max(held, key=lambda one: one.rate, default=None)


def _rates(start: float, lowest: float) -> Generator[float, bool, None]:
    """Rates to try; each is answered with whether it held."""
    low, high = yield from _bracket(start, lowest)
    for _ in range(_STEPS):
        if low >= high:
            return
        middle = (low + high) / 2
        low, high = (middle, high) if (yield middle) else (low, middle)


def _bracket(start: float, lowest: float) -> Generator[float, bool, tuple[float, float]]:
    """A rate that holds and one that doesn't; twice the lowest one where nothing holds."""
    if not (yield start):
        return (yield from _bracket_below(start, lowest))
    low = start
    for _ in range(_DOUBLINGS):
        if not (yield 2 * low):
            break
        low *= 2
    return low, 2 * low


def _bracket_below(high: float, lowest: float) -> Generator[float, bool, tuple[float, float]]:
    for _ in range(_HALVINGS):
        low = max(high / 2, lowest)
        if low >= high or (yield low):
            return low, high
        high = low
    return lowest, high
