"""Many replicas, each with a real queue, behind clients that choose by load: what p99, and how many replicas to spare.

`PYTHONPATH=tests python -m fleet_simulation` prints the table of `docs/scale-out.md`; time is counted, not waited for.

A request of 100 pairs runs as four batches of 25: batches of some 20 ms on a device that scores 1,250 pairs a second.
"""

from __future__ import annotations

import heapq
import random
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Literal

from jrerank.domain import Window
from jrerank.engines.engine import BatchLimit
from jrerank.errors import Overloaded
from jrerank.scheduling.queue import Queue
from jrerank.scheduling.throughput import Throughput
from jrerank.scheduling.work import PairWork, QueuedWindow, Ticket

PAIRS, BATCHES, PAIR_TOKENS = 100, 4, 186
RUN_TOKENS = PAIRS * PAIR_TOKENS // BATCHES
REPLICA_PAIRS_PER_S = 1_250.0
TIMEOUT_S = 0.5
CONNECT_TIMEOUT_S = 0.05
# How long a client leaves a replica alone that did not take its connection
EJECTED_S = 1.0
TRIES = 3
# Of how long answers take
SMOOTHING = 0.1
Choice = Literal["random", "heard", "probed"]


class Replica:
    """One worker around a real queue. `speed` is a share of `REPLICA_PAIRS_PER_S`; 0 is a dead one."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        throughput = Throughput(1)
        throughput.calibrate(int(max(speed, 0.01) * REPLICA_PAIRS_PER_S * PAIR_TOKENS), 1.0)
        self.throughput = throughput
        self.queue: Queue[None] = Queue(throughput, max_tokens=10**9, max_ready_tokens=10**9)
        self.is_busy = False

    @property
    def wait_s(self) -> float:
        """What its answers say of its queue."""
        return self.throughput.seconds_for(self.queue.waiting_tokens + self.queue.running_tokens)

    def run_s(self, tokens: int) -> float:
        return tokens / (self.speed * REPLICA_PAIRS_PER_S * PAIR_TOKENS)


@dataclass
class Client:
    """A node of the search cluster, as the plugin's `Load` is: what it has heard from each replica and when, how long answers took
    lately, its own open requests there; and which replicas it leaves alone."""

    heard_wait_s: dict[int, float] = field(default_factory=dict)
    heard_at: dict[int, float] = field(default_factory=dict)
    answer_s: dict[int, float] = field(default_factory=dict)
    open_requests: Counter[int] = field(default_factory=Counter)
    ejected_until: dict[int, float] = field(default_factory=dict)

    def hear(self, place: int, wait_s: float, now: float) -> None:
        self.heard_wait_s[place], self.heard_at[place] = wait_s, now

    def time(self, place: int, took_s: float) -> None:
        lately = self.answer_s.get(place, took_s)
        self.answer_s[place] = lately + SMOOTHING * (took_s - lately)

    def expected_wait_s(self, place: int, now: float) -> float:
        """What was heard, less the time since, and as long as answers took for each of its own requests."""
        heard = self.heard_wait_s.get(place, 0.0) - (now - self.heard_at.get(place, 0.0))
        return max(0.0, heard) + self.open_requests[place] * self.answer_s.get(place, 0.0)


@dataclass
class Outcomes:
    """What became of all requests."""

    took_s: list[float] = field(default_factory=list)
    refused: int = 0
    late: int = 0

    def percentile_ms(self, share: float) -> float:
        return (
            1000 * sorted(self.took_s)[int(share * (len(self.took_s) - 1))] if self.took_s else float("nan")
        )

    @property
    def complete(self) -> float:
        total = len(self.took_s) + self.refused + self.late
        return len(self.took_s) / total if total else float("nan")


@dataclass(eq=False)
class _Request:
    number: int
    arrival: float
    client: Client
    counts: bool
    sent: float = 0.0
    tries: int = 0
    place: int = -1
    ticket: Ticket[None] | None = None
    is_over: bool = False


class Fleet:
    """Requests arrive at random (Poisson) at `pairs_per_s`, at one of `clients` clients."""

    def __init__(
        self, speeds: Sequence[float], pairs_per_s: float, choice: Choice, clients: int = 20, seed: int = 1
    ) -> None:
        self.replicas = [Replica(speed) for speed in speeds]
        self._rate = pairs_per_s / PAIRS
        self._choice = choice
        self._clients = [Client() for _ in range(clients)]
        self._random = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._requests: dict[int, _Request] = {}
        self.now = 0.0
        self.outcomes = Outcomes()

    def run(self, seconds: float, warm_up_s: float = 0.5) -> Outcomes:
        """What becomes of those that arrive after the warm-up."""
        at = 0.0
        while at < seconds:
            at += self._random.expovariate(self._rate)
            self._at(at, partial(self._arrive, at >= warm_up_s))
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()
        return self.outcomes

    def _at(self, when: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), event))

    def _arrive(self, counts: bool) -> None:
        request = _Request(next(self._numbers), self.now, self._random.choice(self._clients), counts)
        self._at(self.now + TIMEOUT_S, partial(self._time_out, request))
        self._send(request)

    def _send(self, request: _Request) -> None:
        if request.is_over:
            return
        if request.tries == TRIES:
            request.is_over = True
            self.outcomes.refused += request.counts
            return
        request.tries += 1
        place = self._chosen(request.client)
        replica = self.replicas[place]
        if not replica.speed:
            request.client.ejected_until[place] = self.now + EJECTED_S
            self._at(self.now + CONNECT_TIMEOUT_S, partial(self._send, request))
            return
        self._ask(request, place, replica)

    def _ask(self, request: _Request, place: int, replica: Replica) -> None:
        request.sent = self.now
        keys = [b"%d/%d" % (request.number, part) for part in range(BATCHES)]
        pairs = [PairWork(key, None, RUN_TOKENS) for key in keys]
        try:
            request.ticket = replica.queue.admit(pairs, request.arrival + TIMEOUT_S, "a", self.now)
        except Overloaded:
            request.client.hear(place, replica.wait_s, self.now)
            self._send(request)
            return
        self._requests[request.number], request.place = request, place
        request.client.open_requests[place] += 1
        while jobs := replica.queue.next_texts(RUN_TOKENS, self.now):
            for job in jobs:
                window = Window(array("i", bytes(4 * RUN_TOKENS)), 1)
                replica.queue.supply(job, [window], self.now, truncated=False)
        self._start_run(place, replica)

    def _start_run(self, place: int, replica: Replica) -> None:
        if replica.is_busy:
            return
        batch = replica.queue.next_batch(BatchLimit(1, RUN_TOKENS), self.now)
        if batch:
            replica.is_busy = True
            self._at(self.now + replica.run_s(RUN_TOKENS), partial(self._finish, batch, place, replica))

    def _finish(self, batch: list[QueuedWindow[None]], place: int, replica: Replica) -> None:
        replica.is_busy = False
        for queued in batch:
            completed = replica.queue.finish(queued, 0.5)
            request = self._requests.get(int(completed.key.partition(b"/")[0])) if completed else None
            if request and request.ticket and request.ticket.is_done and not request.is_over:
                self._answer(request, place, replica)
        self._start_run(place, replica)

    def _answer(self, request: _Request, place: int, replica: Replica) -> None:
        request.is_over = True
        if request.ticket is not None:
            replica.queue.leave(request.ticket)
        request.client.hear(place, replica.wait_s, self.now)
        request.client.time(place, self.now - request.sent)
        request.client.open_requests[place] -= 1
        del self._requests[request.number]
        if request.counts:
            self.outcomes.took_s.append(self.now - request.arrival)

    def _time_out(self, request: _Request) -> None:
        if request.is_over:
            return
        request.is_over = True
        self.outcomes.late += request.counts
        if request.ticket is not None:
            request.client.open_requests[request.place] -= 1
            del self._requests[request.number]
            self.replicas[request.place].queue.leave(request.ticket)

    def _chosen(self, client: Client) -> int:
        def is_alive(place: int) -> bool:
            return client.ejected_until.get(place, 0.0) <= self.now

        drawn = self._random.sample(range(len(self.replicas)), min(8, len(self.replicas)))
        some = [place for place in drawn if is_alive(place)] or drawn
        if self._choice == "random":
            return some[0]
        if self._choice == "heard":
            return min(some[:2], key=lambda place: client.expected_wait_s(place, self.now))
        return min(some[:2], key=lambda place: self.replicas[place].wait_s)


def speeds(replicas: int, slow: float, dead: float) -> list[float]:
    """The last ones are dead, and those before them run at half speed."""
    dead_count, slow_count = round(replicas * dead), round(replicas * slow)
    return [1.0] * (replicas - dead_count - slow_count) + [0.5] * slow_count + [0.0] * dead_count


def main(pairs_per_s: float = 1e6, seconds: float = 2.0) -> None:
    """Print a row for each number of replicas to spare and each way to choose."""
    print("| replicas | beyond need | slow, dead | choice | complete | refused or late | p50 ms | p99 ms |")
    print("|---|---|---|---|---|---|---|---|")
    needed = pairs_per_s / REPLICA_PAIRS_PER_S
    for spare, slow, dead in ((0.25, 0.0, 0.0), (0.25, 0.05, 0.02), (0.5, 0.05, 0.02), (1.0, 0.05, 0.02)):
        choices: tuple[Choice, ...] = ("random", "heard", "probed")
        for choice in choices:
            replicas = round(needed * (1 + spare))
            made = Fleet(speeds(replicas, slow, dead), pairs_per_s, choice).run(seconds)
            print(
                f"| {replicas} | {spare:.0%} | {slow:.0%}, {dead:.0%} | {choice} | {made.complete:.2%} | {made.refused + made.late}"
                f" | {made.percentile_ms(0.5):.0f} | {made.percentile_ms(0.99):.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
