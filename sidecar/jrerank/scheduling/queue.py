"""Which windows run next: admission, order, packing, cancellation. Pure: no thread, no event loop, the clock is passed in.

**Order.** Callers share the engine fairly (`FairQueue`). Among one caller's requests the one that is due first comes first: at its
deadline, or sooner, when it has been here `STRETCH` times as long as it would need alone. So a small request passes a large one,
equal requests finish in the order in which they came instead of all too late, and a large one is not passed for ever. Due dates
made of sizes are those of Bender, Chakrabarti and Muthukrishnan, "Flow and stretch metrics for scheduling continuous job streams"
(SODA 1998). A request that could not be finished in time even alone is due window by window: it gets a head scored, and leaves
most of the time to those that can be finished. Within a request windows run in first-stage order, so that a deadline cuts off the
tail.

**Admission.** A request is refused at once if what comes before it and its own work would not be done by its deadline: see
`admission`.

**Sharing.** Equal pairs that are waited for at the same time are one job, whoever waits.

**Second rounds.** A request may be followed by pairs for a model that takes longer, to put its best hits in order. What they cost
is charged to its caller, but they come after all first rounds of that caller, and none of those is refused for having to wait for
them: a request that gets no answer is a loss, one that is read by one model only is not. For the same reason no time is kept for
them from the start. Where that was simulated, more requests than the machine could do were refused, and fewer had both rounds.
A window that runs is not interrupted, so a new request waits for what is left of one on each worker, whichever model it is of. A
small request that is next need not where the engine has a worker to spare: `next_small_batch`.
A second round that could not score two pairs in time is not let in, and one ends at the first window that would not end in time:
nobody waits for it any longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Generic

from jrerank.domain import Window
from jrerank.engines.engine import BatchLimit
from jrerank.errors import Overloaded
from jrerank.scheduling.admission import (
    Demand,
    Load,
    demand_of,
    head_tokens,
    stretched_s,
)
from jrerank.scheduling.backlog import Backlog
from jrerank.scheduling.fair_queue import FairQueue
from jrerank.scheduling.throughput import Throughput
from jrerank.scheduling.work import Completed, Job, PairWork, QueuedWindow, Text, Ticket

# A request that is first in line and has fewer tokens ready than this is tokenized whatever else is ready
_FEW_READY_TOKENS = 1_024
# A request of so many tokens is small: as many as one or two windows of passages have
_SMALL_TOKENS = 512
# Of the tokens that may wait each caller has one in so many, whatever others have
OWN_SHARE = 16


class Queue(Generic[Text]):
    """All open requests. Nothing here waits or locks: who drives it does that."""

    def __init__(self, throughput: Throughput, max_tokens: int, max_ready_tokens: int) -> None:
        """Set up.

        Args:
            max_tokens: how many of first rounds may wait; beyond it requests are refused. With so many in all, second rounds are.
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
        self._second_tokens = 0
        self._ended: list[Ticket[Text]] = []
        self.waiting_pairs = 0
        self.waiting_tokens = 0
        self.ready_tokens = 0
        self.running_tokens = 0
        self._reading_pairs = 0
        self._large_running = 0

    @property
    def open_pairs(self) -> int:
        """How many pairs are waited for or running."""
        return len(self._jobs)

    @property
    def seconds(self) -> float:
        """How long all workers take for what is waited for or running."""
        return self._throughput.seconds_for(self.waiting_tokens + self.running_tokens)

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
        is_second_round: bool = False,
    ) -> Ticket[Text]:
        """Take a request in, or its second round; its pairs are in first-stage order.

        Args:
            later_tokens: of those pairs that are still to come by `extend`, by estimate.

        Raises:
            Overloaded: it would not be done by its deadline, though it could be if it came back later.
        """
        demand = self._demand(pairs, later_tokens, deadline, now, is_second_round=is_second_round)
        self._check(demand, caller, pairs[0].token_cost)
        ticket = Ticket[Text](next(self._numbers), caller, now, deadline, demand.due, demand.fits)
        ticket.expects_more, ticket.is_second_round = later_tokens > 0, is_second_round
        ticket.comes_as_a_whole = demand.comes_as_a_whole
        ticket.is_small = demand.tokens <= _SMALL_TOKENS and not is_second_round
        backlog = self._backlogs.setdefault(caller, Backlog())
        ticket.slot = backlog.open(ticket.due, fits=ticket.comes_as_a_whole)
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
        self._check(demand_of(self._throughput, tokens, tokens, first_tokens, deadline, now), caller)

    def extend(self, ticket: Ticket[Text], pairs: Sequence[PairWork[Text]], *, is_last: bool) -> None:
        """The next pairs of a request that has been taken in."""
        if not ticket.has_ended:
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
            ticket.clear_lines()
            ticket.to_leave = list(ticket.waiting)
        keys = ticket.to_leave[:most]
        del ticket.to_leave[:most]
        for key in ticket.waiting.intersection(keys):
            self._drop(ticket, self._jobs[key])
        if ticket.to_leave:
            return True
        backlog = self._backlogs[ticket.caller]
        backlog.close(ticket.slot)
        if not backlog.requests:
            del self._backlogs[ticket.caller]
        ticket.ready_tokens = 0
        self._for_tokenizer.look_again(ticket.caller)
        return False

    def next_texts(self, max_tokens: int, now: float) -> list[Job[Text]]:
        """Pairs to tokenize next: of one request, of `max_tokens` by estimate, and one at least.

        Each has to come back by `supply`, `fail` or `put_back`.
        """
        while ticket := self._next_unread():
            ticket.in_line_for_tokenizer = False
            jobs = self._unread_jobs(ticket, max_tokens, now) if now < ticket.deadline else []
            self._for_tokenizer.charge(ticket.caller, sum(job.waiting_tokens for job in jobs))
            if jobs:
                ticket.read_tokens += sum(job.waiting_tokens for job in jobs)
                self._line_up(ticket)
                self._reading_pairs += len(jobs)
                return jobs
        if self._for_tokenizer.is_empty and not self._reading_pairs:
            self._for_tokenizer.end_busy_period()
        return []

    def supply(self, job: Job[Text], windows: Sequence[Window], now: float, *, truncated: bool) -> None:
        """A pair has been tokenized."""
        self._reading_pairs -= 1
        if not job.tickets:
            return
        self._set_waiting(job, sum(map(job.cost, windows)))
        job.is_read, job.truncated, job.windows = True, truncated, windows
        self._add_ready(job, job.waiting_tokens)
        for ticket in job.tickets:
            ticket.ready.append(job)
            ticket.first_ready = ticket.first_ready or now
            self._line_up(ticket)

    def fail(self, job: Job[Text], error: Exception) -> Completed[Text]:
        """A pair could not be tokenized."""
        self._reading_pairs -= 1
        job.error = error
        return self._complete(job)

    def is_waited_for(self, job: Job[Text], now: float) -> bool:
        """Whether there is still a request in time for this pair."""
        return any(now < ticket.deadline for ticket in job.tickets)

    def put_back(self, job: Job[Text]) -> None:
        """A pair that no request in time waits for is not read to its end: one that comes now has it read anew."""
        self._reading_pairs -= 1
        job.being_read = False

    def next_batch(self, limit: BatchLimit, now: float) -> list[QueuedWindow[Text]]:
        """Windows to run next, packed on their exact token counts. Each has to come back by `finish`."""
        batch: list[QueuedWindow[Text]] = []
        tokens = 0
        self._end_busy_period_if_idle()
        while len(batch) < limit.windows and (ticket := self._for_worker.pop()):
            job = self._next_job(ticket, now)
            if job is None:
                continue
            length = len(job.windows[job.taken])
            if batch and tokens + length > limit.tokens:
                self._for_worker.charge(ticket.caller, 0)
                self._line_up(ticket)
                break
            batch.append(self._take(ticket, job, now))
            tokens += length
        return batch

    def is_small_due(self, now: float) -> bool:
        """Whether a small request is next while a window of a larger one runs, which may take longer than all of the small one."""
        if not self._large_running:
            return False
        ticket = self._first_in_time(now)
        return ticket is not None and ticket.is_small

    def next_small_batch(self, now: float) -> list[QueuedWindow[Text]]:
        """A window of a small request that is due as above: for a worker to spare. Its caller is charged as for any other."""
        if not self.is_small_due(now) or not (ticket := self._for_worker.pop()):
            return []
        job = self._next_job(ticket, now)
        return [self._take(ticket, job, now)] if job else []

    def take_ended(self) -> list[Ticket[Text]]:
        """Second rounds that have been ended before their deadlines since the last call: they may be done by that."""
        ended, self._ended = self._ended, []
        return ended

    def finish(self, queued: QueuedWindow[Text], result: float | Exception) -> Completed[Text] | None:
        """A window has run, with its logit or an error: its pair if it is complete by that."""
        job = queued.job
        job.running -= 1
        self.running_tokens -= queued.cost
        self._large_running -= not queued.is_small
        self._end_busy_period_if_idle()
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
        self,
        pairs: Sequence[PairWork[Text]],
        later_tokens: int,
        deadline: float,
        now: float,
        *,
        is_second_round: bool,
    ) -> Demand:
        new = {pair.key: pair.estimated_tokens for pair in pairs if pair.key not in self._jobs}
        known = {pair.key: self._jobs[pair.key] for pair in pairs if pair.key in self._jobs}
        new_tokens = later_tokens + sum(new.values())
        tokens = new_tokens + sum(job.waiting_tokens for job in known.values())
        first_tokens = pairs[0].estimated_tokens
        return demand_of(
            self._throughput,
            tokens,
            new_tokens,
            first_tokens,
            deadline,
            now,
            is_second_round=is_second_round,
        )

    def _check(self, demand: Demand, caller: str, token_cost: float = 1.0) -> None:
        self._check_room(demand, caller, token_cost)
        # Where nobody is ahead, coming back later would not help: such a request gets what can be done by its deadline
        may_be_refused = self._tickets or demand.is_second_round
        if may_be_refused and (missing_s := demand.missing_s(self._throughput, self._load(caller))) > 0:
            raise Overloaded(
                "too much comes before this request to answer it in time", retry_after_s=missing_s
            )

    def _check_room(self, demand: Demand, caller: str, token_cost: float) -> None:
        """Memory is taken by tokens as they are, whatever they cost; and first rounds have theirs whatever second ones have.

        One request of one caller may be as large as all that may wait: it shuts nobody else out.
        """
        waiting = self.waiting_tokens - self._second_tokens
        if demand.is_second_round:
            waiting += round(self._second_tokens / token_cost)
        new = round(demand.new_tokens / token_cost)
        own = self._backlogs[caller].tokens if caller in self._backlogs else 0
        has_own_room = own + new <= self._max_tokens // OWN_SHARE
        if waiting and new and waiting + new > self._max_tokens and not has_own_room:
            wait_s = self._throughput.seconds_for(self.waiting_tokens)
            raise Overloaded(f"{waiting} tokens are queued already", retry_after_s=wait_s)

    def _load(self, caller: str) -> Load:
        own = self._backlogs.get(caller)
        others = len(self._backlogs) - (own is not None)
        return Load(own, others, self.waiting_tokens, self.running_tokens)

    def _due(self, ticket: Ticket[Text], tokens: int) -> float:
        """When what comes after the first `tokens` of a request is due."""
        if ticket.comes_as_a_whole:
            return ticket.due
        return min(ticket.due, ticket.arrival + stretched_s(self._throughput, tokens))

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
            job = Job(pair.key, pair.text, pair.estimated_tokens, [ticket], token_cost=pair.token_cost)
            job.is_second_round = ticket.is_second_round
            self._jobs[pair.key] = job
            self._count_waiting(job, pair.estimated_tokens)
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
        if _first_ready(ticket) and not ticket.in_line_for_worker:
            ticket.in_line_for_worker = True
            due = self._due(ticket, ticket.taken_tokens)
            self._for_worker.push(ticket.caller, due, ticket.number, ticket)

    def _next_unread(self) -> Ticket[Text] | None:
        """Tokenizers are ahead by a bounded amount, and by more only where the engine would else miss what is due first."""
        if self.ready_tokens < self._max_ready_tokens:
            return self._for_tokenizer.pop()
        return self._for_tokenizer.pop_eligible(self._is_due_first)

    def _is_due_first(self, ticket: Ticket[Text]) -> bool:
        first_due = self._for_worker.first_due(ticket.caller)
        is_first = first_due is None or self._due(ticket, ticket.read_tokens) <= first_due
        return is_first and ticket.ready_tokens < _FEW_READY_TOKENS

    def _unread_jobs(self, ticket: Ticket[Text], max_tokens: int, now: float) -> list[Job[Text]]:
        jobs: list[Job[Text]] = []
        if not ticket.fits:  # most of it would be read for nothing, while others wait for the tokenizer
            max_tokens = min(max_tokens, head_tokens(self._throughput, ticket.deadline - now))
        while ticket.unread and max_tokens > 0:
            job = ticket.unread.popleft()
            if not job.being_read:
                job.being_read = True
                max_tokens -= job.waiting_tokens
                jobs.append(job)
        return jobs

    def _end_busy_period_if_idle(self) -> None:
        if self._for_worker.is_empty and not self.running_tokens:
            self._for_worker.end_busy_period()

    def _first_in_time(self, now: float) -> Ticket[Text] | None:
        """Whose turn it is; who was in line and has left, or has no time any more, would hide whoever comes behind."""
        while ticket := self._for_worker.first():
            job = _first_ready(ticket)
            if job is not None and self._is_in_time(ticket, job, now):
                return ticket
            self._for_worker.pop()
            self._next_job(ticket, now)
        return None

    def _next_job(self, ticket: Ticket[Text], now: float) -> Job[Text] | None:
        """Of a request whose turn it is the pair that runs next, if one would still be in time."""
        ticket.in_line_for_worker = False
        self._for_tokenizer.look_again(ticket.caller)
        job = _first_ready(ticket)
        if job is not None and self._is_in_time(ticket, job, now):
            return job
        self._for_worker.charge(ticket.caller, 0)
        if job is not None and ticket.is_second_round:
            self._end(ticket)
        return None

    def _is_in_time(self, ticket: Ticket[Text], job: Job[Text], now: float) -> bool:
        """Whether a run would be over by the deadline; a first one need only be begun, so that slow engines answer at all."""
        is_needed = not ticket.taken_tokens and not ticket.is_second_round
        run_s = 0.0 if is_needed else self._throughput.run_seconds_for(job.cost(job.windows[job.taken]))
        return now + run_s < ticket.deadline

    def _take(self, ticket: Ticket[Text], job: Job[Text], now: float) -> QueuedWindow[Text]:
        window = job.windows[job.taken]
        tokens = job.cost(window)
        job.taken += 1
        job.running += 1
        self.running_tokens += tokens
        self._large_running += not ticket.is_small
        self._add_ready(job, -tokens)
        self._set_waiting(job, job.waiting_tokens - tokens)
        ticket.first_taken = ticket.first_taken or now
        ticket.taken_tokens += tokens
        self._for_worker.charge(ticket.caller, tokens)
        self._line_up(ticket)
        return QueuedWindow(job, window, ticket.is_small)

    def _set_waiting(self, job: Job[Text], tokens: int) -> None:
        change = tokens - job.waiting_tokens
        self.waiting_pairs += (tokens > 0) - (job.waiting_tokens > 0)
        job.waiting_tokens = tokens
        self._count_waiting(job, change)
        for ticket in job.tickets:
            self._backlogs[ticket.caller].add(ticket.slot, change)

    def _count_waiting(self, job: Job[Text], change: int) -> None:
        self.waiting_tokens += change
        if job.is_second_round:
            self._second_tokens += change

    def _add_ready(self, job: Job[Text], tokens: int) -> None:
        self.ready_tokens += tokens
        for ticket in job.tickets:
            ticket.ready_tokens += tokens
            self._for_tokenizer.look_again(ticket.caller)

    def _drop_waiting(self, job: Job[Text]) -> None:
        if job.is_read:
            self._add_ready(job, -job.waiting_tokens)
            job.taken = len(job.windows)
        self._set_waiting(job, 0)

    def _drop(self, ticket: Ticket[Text], job: Job[Text]) -> None:
        """A request waits for a pair no longer."""
        job.tickets.remove(ticket)
        if not job.tickets:
            self._abandon(job)

    def _abandon(self, job: Job[Text]) -> None:
        """Nobody waits for it. If all of it runs already its score will be complete, and may be asked for again until then."""
        if job.waiting_tokens or not job.running:
            self._drop_waiting(job)
            del self._jobs[job.key]

    def _end(self, ticket: Ticket[Text]) -> None:
        """Of a second round only what runs already is waited for. What comes next is too late, and of no use without it."""
        ticket.has_ended = True
        ticket.clear_lines()
        ticket.ready_tokens = 0
        for job in [self._jobs[key] for key in ticket.waiting]:
            if job.waiting_tokens:
                ticket.waiting.discard(job.key)
                self._backlogs[ticket.caller].add(ticket.slot, -job.waiting_tokens)
                self._drop(ticket, job)
        self._ended.append(ticket)

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
