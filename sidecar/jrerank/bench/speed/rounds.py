"""Everything in turn, round by round: what the machine does meanwhile is done to all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jrerank.bench.speed.contender import Contender
from jrerank.bench.speed.workload import Workload
from jrerank.bench.speed.yardstick import Yardstick

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of each round, and of the yardstick beside each: the mean of those before and after."""

    seconds: list[float] = field(default_factory=list)
    yardstick: list[float] = field(default_factory=list)


def interleaved(
    contenders: Sequence[Contender], work: Workload, rounds: int, progress: Progress = lambda _, __, ___: None
) -> dict[str, Timings]:
    """Each once in each round, in an order that turns; one more round before, to warm up."""
    timings = {one.name: Timings() for one in contenders}
    yardstick = Yardstick()
    for one in contenders:
        one.run(work)
    for number in range(rounds):
        turn = number % len(contenders)
        before = yardstick.measure()
        for one in (*contenders[turn:], *contenders[:turn]):
            seconds = timed(one, work)
            after = yardstick.measure()
            timings[one.name].seconds.append(seconds)
            timings[one.name].yardstick.append((before + after) / 2)
            before = after
        progress("measuring", number + 1, rounds)
    yardstick.close()
    return timings


def timed(contender: Contender, work: Workload) -> float:
    """Seconds of one go."""
    started = time.perf_counter()
    contender.run(work)
    return time.perf_counter() - started
