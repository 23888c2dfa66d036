"""A machine in which seconds pass as fast as Python can count them: arrivals, a tokenizer and workers around a real queue."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

from jrerank.domain import Window
from jrerank.engines.engine import BatchLimit
from jrerank.errors import Overloaded
from jrerank.fairness.line import FairLine
from jrerank.scheduling.queue import Queue
from jrerank.scheduling.throughput import Throughput
from jrerank.scheduling.work import Job, PairWork, QueuedWindow, Ticket

TOKENS_PER_S = 10_000.0  # of one worker
SLICE_TOKENS = 2_048


@dataclass(frozen=True)
class Arrival:
    """A request of equal pairs. `wants`: after how long the caller hangs up, if it does."""

    at: float
    pairs: int = 20
    tokens: int = 100
    timeout_s: float = 0.5
    caller: str = "a"
    gone_after_s: float | None = None
    windows: int = 1
    estimate: float = 1.0  # what the queue is told, as a share of the truth
    second_pairs: int = 0  # that a second model reads once the first has scored all
    second_cost: float = 4.0  # of one of its tokens

    @property
    def second_tokens(self) -> int:
        """In the first model's."""
        return round(self.second_pairs * self.tokens * self.windows * self.second_cost)


@dataclass(eq=False)
class Fate:
    """What became of a request."""

    arrival: Arrival
    ticket: Ticket[Arrival] | None = None
    answered_at: float = 0.0
    scored: int = 0
    second_ticket: Ticket[Arrival] | None = None
    reread: int = 0

    @property
    def refused(self) -> bool:
        return self.ticket is None

    @property
    def complete(self) -> bool:
        return self.scored == self.arrival.pairs

    @property
    def is_reread(self) -> bool:
        return self.reread == self.arrival.second_pairs

    @property
    def is_done(self) -> bool:
        return all(ticket is None or ticket.is_done for ticket in (self.ticket, self.second_ticket))

    @property
    def took_s(self) -> float:
        return self.answered_at - self.arrival.at


@dataclass(frozen=True)
class _Loop:
    """What the callers of a closed loop ask, until when, how long a request is parsed, and what the callers are named."""

    ask: Arrival
    until: float
    parse_s: float
    names: frozenset[str]


@dataclass
class Machine:
    """Runs a list of arrivals to its end."""

    workers: int = 2
    spare_workers: int = 0
    limit: BatchLimit = BatchLimit(1, 0)  # noqa: RUF009
    max_tokens: int = 10**9
    tokenizer_tokens_per_s: float = 1e6
    check: Callable[[Machine], None] = lambda _: None
    now: float = 0.0
    ran_tokens: int = 0
    ran: list[tuple[float, QueuedWindow[Arrival]]] = field(default_factory=list)
    fates: list[Fate] = field(default_factory=list)
    tickets_of: dict[bytes, list[Ticket[Arrival]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.throughput = Throughput(self.workers)
        self.throughput.calibrate(int(TOKENS_PER_S), 1.0)
        self.queue: Queue[Arrival] = Queue(
            self.throughput, self.max_tokens, max_ready_tokens=4 * SLICE_TOKENS
        )
        self.free_workers, self.free_spare_workers = self.workers, self.spare_workers
        self._open: list[Fate] = []
        self.tokenizer_is_free = True
        self._loop: _Loop | None = None
        self._waiting: FairLine[Arrival] = FairLine()
        self._is_parsing = False
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def run(self, arrivals: Iterator[Arrival] | list[Arrival]) -> list[Fate]:
        for arrival in arrivals:
            self.at(arrival)
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()
            self._drive()
            self.check(self)
        return self.fates

    def run_closed_loop(
        self,
        callers: int,
        seconds: float,
        ask: Arrival,
        parse_s: float = 0.001,
        *,
        has_names: bool = False,
    ) -> list[Fate]:
        """So many callers who ask `ask` again as soon as they have an answer, until `seconds` have passed.

        The event loop parses one request at a time, whose turn it is. Without names all are one caller to it, that of `ask`.
        """
        names = [f"caller {number}" if has_names else ask.caller for number in range(callers)]
        self._loop = _Loop(ask, seconds, parse_s, frozenset(names))
        for name in names:
            self._ask_again(name)
        return self.run([])

    def _ask_again(self, caller: str) -> None:
        if self._loop is None or caller not in self._loop.names or self.now > self._loop.until:
            return
        self._waiting.join(replace(self._loop.ask, at=self.now, caller=caller), caller)
        if not self._is_parsing:
            self._is_parsing = True
            self._at(self.now + self._loop.parse_s, self._parse)

    def _parse(self) -> None:
        if self._loop is None:
            return
        arrival = self._waiting.take()
        self._is_parsing = len(self._waiting) > 0
        if self._is_parsing:
            self._at(self.now + self._loop.parse_s, self._parse)
        self._arrive(arrival)
        if self.fates[-1].refused:
            self._ask_again(arrival.caller)

    def at(self, arrival: Arrival) -> None:
        """Let a request arrive when the machine runs."""
        self._at(arrival.at, partial(self._arrive, arrival))

    def _at(self, when: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), event))

    def _arrive(self, arrival: Arrival) -> None:
        number = len(self.fates)
        estimate = round(arrival.tokens * arrival.windows * arrival.estimate)
        keys = [b"%d/%d" % (number, place) for place in range(arrival.pairs)]
        pairs = [PairWork(key, arrival, estimate) for key in keys]
        fate = Fate(arrival)
        self.fates.append(fate)
        try:
            fate.ticket = self.queue.admit(pairs, arrival.at + arrival.timeout_s, arrival.caller, self.now)
        except Overloaded:
            fate.answered_at = self.now
            return
        self._open.append(fate)
        for key in keys:
            self.tickets_of.setdefault(key, []).append(fate.ticket)
        gone_after_s = arrival.timeout_s if arrival.gone_after_s is None else arrival.gone_after_s
        wait_s = min(arrival.timeout_s, gone_after_s)
        self._at(max(self.now, arrival.at + wait_s), lambda: self._answer(fate))

    def _answer(self, fate: Fate) -> None:
        if fate.ticket is not None and fate in self._open:
            self._open.remove(fate)
            if not fate.ticket.has_left:
                self.queue.leave(fate.ticket)
            fate.answered_at, fate.scored = self.now, len(fate.ticket.results)
            if fate.second_ticket is not None:
                self.queue.leave(fate.second_ticket)
                fate.reread = len(fate.second_ticket.results)
            self._ask_again(fate.arrival.caller)

    def _begin_second_round(self, fate: Fate) -> bool:
        """Whether there is one, and time for it."""
        arrival = fate.arrival
        if not arrival.second_pairs or fate.ticket is None or fate.second_ticket is not None:
            return False
        self.queue.leave(fate.ticket)
        cost, tokens = arrival.second_cost, arrival.second_tokens // arrival.second_pairs
        keys = [b"second " + key for key in list(fate.ticket.results)[: arrival.second_pairs]]
        pairs = [PairWork(key, arrival, tokens, cost) for key in keys]
        deadline = arrival.at + arrival.timeout_s
        try:
            fate.second_ticket = self.queue.admit(
                pairs, deadline, arrival.caller, self.now, is_second_round=True
            )
        except Overloaded:
            return False
        return True

    def _drive(self) -> None:
        self._settle()
        if self.tokenizer_is_free and (jobs := self.queue.next_texts(SLICE_TOKENS, self.now)):
            self.tokenizer_is_free = False
            tokens = sum(job.text.tokens * job.text.windows for job in jobs)
            self._at(self.now + tokens / self.tokenizer_tokens_per_s, lambda: self._supply(jobs))
        while self.free_workers and (batch := self.queue.next_batch(self.limit, self.now)):
            self.free_workers -= 1
            self._begin(batch, self._finish)
        while self.free_spare_workers and (batch := self.queue.next_small_batch(self.now)):
            self.free_spare_workers -= 1
            self._begin(batch, self._finish_small)
        if self.queue.take_ended():
            self._settle()

    def _settle(self) -> None:
        for fate in [fate for fate in self._open if fate.is_done]:
            if not self._begin_second_round(fate):
                self._answer(fate)

    def _supply(self, jobs: list[Job[Arrival]]) -> None:
        self.tokenizer_is_free = True
        for job in jobs:
            windows = [Window(array("i", bytes(4 * job.text.tokens)), 1) for _ in range(job.text.windows)]
            self.queue.supply(job, windows, self.now, truncated=False)

    def _begin(
        self, batch: list[QueuedWindow[Arrival]], finish: Callable[[list[QueuedWindow[Arrival]]], None]
    ) -> None:
        tokens = sum(queued.cost for queued in batch)
        self.ran += [(self.now, queued) for queued in batch]
        self.ran_tokens += tokens
        self._at(self.now + tokens / TOKENS_PER_S, partial(finish, batch))

    def _finish(self, batch: list[QueuedWindow[Arrival]]) -> None:
        self.free_workers += 1
        self._tell(batch)

    def _finish_small(self, batch: list[QueuedWindow[Arrival]]) -> None:
        self.free_spare_workers += 1
        self._tell(batch)

    def _tell(self, batch: list[QueuedWindow[Arrival]]) -> None:
        for queued in batch:
            self.queue.finish(queued, 0.5)
