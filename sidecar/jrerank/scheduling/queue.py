"""Which windows run next: admission, order, packing, cancellation. Pure: no thread, no event loop, the clock is passed in.

**Order.** Callers share the engine fairly (`FairQueue`). Among one caller's requests the one that is due first comes first: at its
deadline, or sooner, when it has been here `_STRETCH` times as long as it would need alone. So a small request passes a large one,
equal requests finish in the order in which they came instead of all too late, and a large one is not passed for ever. Due dates
made of sizes are those of Bender, Chakrabarti and Muthukrishnan, "Flow and stretch metrics for scheduling continuous job streams"
(SODA 1998). A request that could not be finished in time even alone is due window by window: it gets a head scored, and leaves
most of the time to those that can be finished. Within a request windows run in first-stage order, so that a deadline cuts off the
tail.

**Admission.** A request is refused at once if what comes before it and its own work would not be done by its deadline.

**Sharing.** Equal pairs that are waited for at the same time are one job, whoever waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Generic

from jrerank.domain import Window
from jrerank.engines.engine import BatchLimit
from jrerank.errors import Overloaded
from jrerank.scheduling.backlog import Backlog
from jrerank.scheduling.fair_queue import FairQueue
from jrerank.scheduling.throughput import Throughput
from jrerank.scheduling.work import Completed, Job, PairWork, QueuedWindow, Text, Ticket

# How many times as long as alone a request may take before it comes before smaller ones that are newer
_STRETCH = 4.0
# Which share of a request's time may be filled: runs differ in length, and estimates err
_USABLE_TIME = 0.9
# A request that is first in line and has fewer tokens ready than this is tokenized whatever else is ready
_FEW_READY_TOKENS = 1_024


@dataclass(frozen=True, slots=True)
class _Demand:
    """What a request wants: tokens in all, of which `new_tokens` nobody waits for yet, and of its first pair; by when."""

    tokens: int
    new_tokens: int
    first_tokens: int
    arrival: float
    deadline: float
    due: float
    fits: bool


class Queue(Generic[Text]):
    """All open requests. Nothing here waits or locks: who drives it does that."""

    def __init__(self, throughput: Throughput, max_tokens: int, max_ready_tokens: int) -> None:
        """Set up.

        Args:
            max_tokens: how many may wait in all; beyond it requests are refused.
            max_ready_tokens: how far tokenizers may be ahead of the engine.
        """
        self._throughput = throughput
        self._max_tokens = max_tokens
        self._max_ready_tokens = max_ready_tokens
        self._jobs: dict[bytes, Job[Text]] = {}
        self._tickets: set[Ticket[Text]] = set()
        self._numbers = count()
        self._backlogs: dict[str, Backlog] = {}
        self._for_tokenizer: FairQueue[Ticket[Text]] = FairQueue()
        self._for_worker: FairQueue[Ticket[Text]] = FairQueue()
        self.waiting_pairs = 0
        self.waiting_tokens = 0
        self.ready_tokens = 0
        self.running_tokens = 0

    @property
    def open_pairs(self) -> int:
        """How many pairs are waited for or running."""
        return len(self._jobs)

    @property
    def tickets(self) -> tuple[Ticket[Text], ...]:
        """All open requests."""
        return tuple(self._tickets)

    def is_waited_for_by_key(self, key: bytes) -> bool:
        """Whether a pair is waited for or running."""
        return key in self._jobs

    def admit(
        self,
        pairs: Sequence[PairWork[Text]],
        deadline: float,
        caller: str,
        now: float,
        *,
        later_tokens: int = 0,
    ) -> Ticket[Text]:
        """Take a request in; its pairs are in first-stage order.

        Args:
            later_tokens: of those pairs that are still to come by `extend`, by estimate.

        Raises:
            Overloaded: it would not be done by its deadline, though it could be if it came back later.
        """
        demand = self._demand(pairs, later_tokens, deadline, now)
        self._check(demand, caller)
        ticket = Ticket[Text](next(self._numbers), caller, now, deadline, demand.due, demand.fits)
        ticket.expects_more = later_tokens > 0
        ticket.slot = self._backlogs.setdefault(caller, Backlog()).open(ticket.due, fits=ticket.fits)
        self._tickets.add(ticket)
        self._join_all(ticket, pairs)
        return ticket

    def check(self, tokens: int, first_tokens: int, deadline: float, caller: str, now: float) -> None:
        """Refuse a request as `admit` would, by what is known of it before its pairs have keys.

        Args:
            tokens: of all its pairs, by estimate; `first_tokens` of the first.

        Raises:
            Overloaded: as `admit` does, if nobody waits for one of the pairs already.
        """
        self._check(self._demand_of(tokens, tokens, first_tokens, deadline, now), caller)

    def extend(self, ticket: Ticket[Text], pairs: Sequence[PairWork[Text]], *, is_last: bool) -> None:
        """The next pairs of a request that has been taken in."""
        self._join_all(ticket, pairs)
        ticket.expects_more = not is_last

    def leave(self, ticket: Ticket[Text], most: int | None = None) -> bool:
        """A request is over, answered or not: pairs that nobody else waits for are dropped unless they run.

        Args:
            most: how many pairs at once.

        Returns:
            Whether some are left, so that this has to be called again.
        """
        if not ticket.has_left:
            ticket.has_left = True
            self._tickets.discard(ticket)
            ticket.ready.clear()
            ticket.unread.clear()
            ticket.to_leave = list(ticket.waiting)
        keys = ticket.to_leave[:most]
        del ticket.to_leave[:most]
        for key in ticket.waiting.intersection(keys):
            job = self._jobs[key]
            job.tickets.remove(ticket)
            if not job.tickets:
                self._abandon(job)
        if ticket.to_leave:
            return True
        backlog = self._backlogs[ticket.caller]
        backlog.close(ticket.slot)
        if not backlog.requests:
            del self._backlogs[ticket.caller]
        ticket.ready_tokens = 0
        return False

    def next_texts(self, max_tokens: int, now: float) -> list[Job[Text]]:
        """Pairs to tokenize next: of one request, of `max_tokens` by estimate, and one at least.

        Each has to come back by `supply`, `fail` or `put_back`.
        """
        while ticket := self._for_tokenizer.pop(self._may_be_read):
            ticket.in_line_for_tokenizer = False
            jobs = self._unread_jobs(ticket, max_tokens) if now < ticket.deadline else []
            self._for_tokenizer.charge(ticket.caller, sum(job.waiting_tokens for job in jobs))
            if jobs:
                ticket.read_tokens += sum(job.waiting_tokens for job in jobs)
                self._line_up(ticket)
                return jobs
        return []

    def supply(self, job: Job[Text], windows: Sequence[Window], now: float, *, truncated: bool) -> None:
        """A pair has been tokenized."""
        if not job.tickets:
            return
        self._set_waiting(job, sum(map(len, windows)))
        job.is_read, job.truncated, job.windows = True, truncated, windows
        self._add_ready(job, job.waiting_tokens)
        for ticket in job.tickets:
            ticket.ready.append(job)
            ticket.first_ready = ticket.first_ready or now
            self._line_up(ticket)

    def fail(self, job: Job[Text], error: Exception) -> Completed[Text]:
        """A pair could not be tokenized."""
        job.error = error
        return self._complete(job)

    def is_waited_for(self, job: Job[Text], now: float) -> bool:
        """Whether there is still a request in time for this pair."""
        return any(now < ticket.deadline for ticket in job.tickets)

    def put_back(self, job: Job[Text]) -> None:
        """A pair that no request in time waits for is not read to its end: one that comes now has it read anew."""
        job.being_read = False

    def next_batch(self, limit: BatchLimit, now: float) -> list[QueuedWindow[Text]]:
        """Windows to run next, packed on their exact token counts. Each has to come back by `finish`."""
        batch: list[QueuedWindow[Text]] = []
        tokens = 0
        while len(batch) < limit.windows and (ticket := self._for_worker.pop()):
            ticket.in_line_for_worker = False
            job = _first_ready(ticket)
            if job is None or not self._is_in_time(ticket, job.windows[job.taken], now):
                self._for_worker.charge(ticket.caller, 0)
                continue
            cost = len(job.windows[job.taken])
            if batch and tokens + cost > limit.tokens:
                self._for_worker.charge(ticket.caller, 0)
                self._line_up(ticket)
                break
            batch.append(self._take(ticket, job, now))
            tokens += cost
        return batch

    def finish(self, queued: QueuedWindow[Text], result: float | Exception) -> Completed[Text] | None:
        """A window has run, with its logit or an error: its pair if it is complete by that."""
        job = queued.job
        job.running -= 1
        self.running_tokens -= len(queued.window)
        if isinstance(result, Exception):
            job.error = job.error or result
            self._drop_waiting(job)
        else:
            job.scored += 1
            job.logit = max(job.logit, result)
            job.tokens += len(queued.window)
        if job.running or (job.error is None and job.scored < len(job.windows)):
            return None
        return self._complete(job)

    def _demand(
        self, pairs: Sequence[PairWork[Text]], later_tokens: int, deadline: float, now: float
    ) -> _Demand:
        new = {pair.key: pair.estimated_tokens for pair in pairs if pair.key not in self._jobs}
        known = {pair.key: self._jobs[pair.key] for pair in pairs if pair.key in self._jobs}
        new_tokens = later_tokens + sum(new.values())
        tokens = new_tokens + sum(job.waiting_tokens for job in known.values())
        return self._demand_of(tokens, new_tokens, pairs[0].estimated_tokens, deadline, now)

    def _demand_of(
        self, tokens: int, new_tokens: int, first_tokens: int, deadline: float, now: float
    ) -> _Demand:
        alone_s = self._throughput.seconds_for(tokens)
        fits = alone_s <= (deadline - now) * _USABLE_TIME
        due = min(deadline, now + _STRETCH * alone_s)
        return _Demand(tokens, new_tokens, first_tokens, now, deadline, due, fits)

    def _check(self, demand: _Demand, caller: str) -> None:
        is_added_to = bool(self.waiting_tokens and demand.new_tokens)
        if is_added_to and self.waiting_tokens + demand.new_tokens > self._max_tokens:
            wait_s = self._throughput.seconds_for(self.waiting_tokens)
            raise Overloaded(f"{self.waiting_tokens} tokens are queued already", retry_after_s=wait_s)
        # Where nobody is ahead, coming back later would not help: such a request gets what can be done by its deadline
        missing_s = self._missing_s(demand, self._backlogs.get(caller)) if self._tickets else 0.0
        if missing_s > 0:
            raise Overloaded(
                "too much comes before this request to answer it in time", retry_after_s=missing_s
            )

    def _missing_s(self, demand: _Demand, backlog: Backlog | None) -> float:
        """How much more time a request would need, with what comes before it."""
        needed = demand.tokens if demand.fits else demand.first_tokens
        due = demand.due if demand.fits else demand.arrival + self._stretched_s(needed)
        own = needed + (backlog.due_by(due) if backlog else 0)
        if (
            backlog and not demand.fits
        ):  # each of those that can't be finished either is to get as much as this one
            own += backlog.unfit * needed
        others = self.waiting_tokens - (backlog.tokens if backlog else 0)
        callers = len(self._backlogs) - (backlog is not None)
        # While a caller's own work is done, no other caller is given more than that
        ahead = own + max(0, min(others, callers * own))
        # Pairs that several requests wait for count in the backlog of each, but run once
        ahead = self.running_tokens + min(ahead, self.waiting_tokens + min(needed, demand.new_tokens))
        time_s = (demand.deadline - demand.arrival) * _USABLE_TIME
        if backlog and backlog.unfit:  # their windows are due at the pace of the rest of the time
            time_s *= 1 - 1 / _STRETCH
        return self._throughput.seconds_for(ahead) - time_s

    def _stretched_s(self, tokens: int) -> float:
        return _STRETCH * self._throughput.seconds_for(tokens)

    def _due(self, ticket: Ticket[Text], tokens: int) -> float:
        """When what comes after the first `tokens` of a request is due."""
        if ticket.fits:
            return ticket.due
        return min(ticket.due, ticket.arrival + self._stretched_s(tokens))

    def _join_all(self, ticket: Ticket[Text], pairs: Sequence[PairWork[Text]]) -> None:
        tokens = 0
        for pair in pairs:
            if pair.key not in ticket.waiting and pair.key not in ticket.results:
                tokens += self._join(ticket, pair)
        self._backlogs[ticket.caller].add(ticket.slot, tokens)
        self._line_up(ticket)

    def _join(self, ticket: Ticket[Text], pair: PairWork[Text]) -> int:
        """How many tokens of the pair the request waits for."""
        ticket.waiting.add(pair.key)
        job = self._jobs.get(pair.key)
        if job is None:
            job = self._jobs[pair.key] = Job(pair.key, pair.text, pair.estimated_tokens, [ticket])
            self.waiting_tokens += pair.estimated_tokens
            self.waiting_pairs += 1
        else:
            job.tickets.append(ticket)
        if not job.is_read:
            ticket.unread.append(job)
        elif job.is_ready:
            ticket.ready.append(job)
            ticket.ready_tokens += job.waiting_tokens
            ticket.first_ready = ticket.first_ready or ticket.arrival
        return job.waiting_tokens

    def _line_up(self, ticket: Ticket[Text]) -> None:
        """Let a request that has something to read or to run wait for its turn."""
        if ticket.has_left:
            return
        if ticket.unread and not ticket.in_line_for_tokenizer:
            ticket.in_line_for_tokenizer = True
            due = self._due(ticket, ticket.read_tokens)
            self._for_tokenizer.push(ticket.caller, due, ticket.number, ticket)
        if ticket.ready and not ticket.in_line_for_worker:
            ticket.in_line_for_worker = True
            due = self._due(ticket, ticket.taken_tokens)
            self._for_worker.push(ticket.caller, due, ticket.number, ticket)

    def _may_be_read(self, ticket: Ticket[Text]) -> bool:
        """Tokenizers are ahead by a bounded amount, and by more only where the engine would else miss what is due first."""
        if self.ready_tokens < self._max_ready_tokens:
            return True
        first_due = self._for_worker.first_due(ticket.caller)
        is_first = first_due is None or self._due(ticket, ticket.read_tokens) <= first_due
        return is_first and ticket.ready_tokens < _FEW_READY_TOKENS

    @staticmethod
    def _unread_jobs(ticket: Ticket[Text], max_tokens: int) -> list[Job[Text]]:
        jobs: list[Job[Text]] = []
        while ticket.unread and max_tokens > 0:
            job = ticket.unread.popleft()
            if not job.being_read:
                job.being_read = True
                max_tokens -= job.waiting_tokens
                jobs.append(job)
        return jobs

    def _is_in_time(self, ticket: Ticket[Text], window: Window, now: float) -> bool:
        """Whether a run would be over by the deadline; a first one need only be begun, so that slow engines answer at all."""
        run_s = self._throughput.run_seconds_for(len(window)) if ticket.taken_tokens else 0.0
        return now + run_s < ticket.deadline

    def _take(self, ticket: Ticket[Text], job: Job[Text], now: float) -> QueuedWindow[Text]:
        window = job.windows[job.taken]
        tokens = len(window)
        job.taken += 1
        job.running += 1
        self.running_tokens += tokens
        self._add_ready(job, -tokens)
        self._set_waiting(job, job.waiting_tokens - tokens)
        ticket.first_taken = ticket.first_taken or now
        ticket.taken_tokens += tokens
        self._for_worker.charge(ticket.caller, tokens)
        self._line_up(ticket)
        return QueuedWindow(job, window)

    def _set_waiting(self, job: Job[Text], tokens: int) -> None:
        change = tokens - job.waiting_tokens
        self.waiting_pairs += (tokens > 0) - (job.waiting_tokens > 0)
        job.waiting_tokens = tokens
        self.waiting_tokens += change
        for ticket in job.tickets:
            self._backlogs[ticket.caller].add(ticket.slot, change)

    def _add_ready(self, job: Job[Text], tokens: int) -> None:
        self.ready_tokens += tokens
        for ticket in job.tickets:
            ticket.ready_tokens += tokens

    def _drop_waiting(self, job: Job[Text]) -> None:
        if job.is_read:
            self._add_ready(job, -job.waiting_tokens)
            job.taken = len(job.windows)
        self._set_waiting(job, 0)

    def _abandon(self, job: Job[Text]) -> None:
        """Nobody waits for it. If all of it runs already its score will be complete, and may be asked for again until then."""
        if job.waiting_tokens or not job.running:
            self._drop_waiting(job)
            del self._jobs[job.key]

    def _complete(self, job: Job[Text]) -> Completed[Text]:
        self._drop_waiting(job)
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]
        for ticket in job.tickets:
            ticket.results[job.key] = job.result
            ticket.waiting.discard(job.key)
        return Completed(job.key, job.result, tuple(job.tickets))


def _first_ready(ticket: Ticket[Text]) -> Job[Text] | None:
    while ticket.ready and not ticket.ready[0].is_ready:
        ticket.ready.popleft()
    return ticket.ready[0] if ticket.ready else None
