"""Everything in turn, round by round: what the machine does meanwhile is done to all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jrerank.bench.speed.contender import Contender
from jrerank.bench.speed.workload import Workload
from jrerank.bench.speed.yardstick import Pace, Yardstick

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of each round by the wall's clock and of this process's CPU, and the yardstick beside each."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    yardstick: list[Pace] = field(default_factory=list)

    def add(self, spent: Pace, before: Pace, after: Pace) -> None:
        """A round, and the yardstick before and after it."""
        self.seconds.append(spent.wall_s)
        self.cpu_seconds.append(spent.cpu_s)
        self.yardstick.append(Pace((before.wall_s + after.wall_s) / 2, (before.cpu_s + after.cpu_s) / 2))


def interleaved(
    contenders: Sequence[Contender], work: Workload, rounds: int, progress: Progress = lambda _, __, ___: None
) -> dict[str, Timings]:
    """Each once in each round, in an order that turns; one more round before, to warm up."""
    timings = {one.name: Timings() for one in contenders}
    yardstick = Yardstick()
    for one in contenders:
        timed(one, work)
    for number in range(rounds):
        turn = number % len(contenders)
        before = yardstick.measure()
        for one in (*contenders[turn:], *contenders[:turn]):
            spent = timed(one, work)
            after = yardstick.measure()
            timings[one.name].add(spent, before, after)
            before = after
        progress("measuring", number + 1, rounds)
    yardstick.close()
    return timings


def timed(contender: Contender, work: Workload) -> Pace:
    """Seconds of one go."""
    cpu, started = time.process_time(), time.perf_counter()
    result = contender.run(work)
    spent = Pace(time.perf_counter() - started, time.process_time() - cpu)
    contender.check(result, work)
    return spent
