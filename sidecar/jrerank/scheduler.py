"""Which pairs run next: deadlines, fairness, cancellation, admission.

Threads pull runs of pairs; the event loop hands in requests and takes what is scored by their deadline. The next pair belongs to
the request that has been given least so far, then to the earliest deadline, then to the caller that has had least. Least attained
service comes first since requests differ in size a thousandfold: by deadline alone one large request with a short deadline
would hold up every small one (Nuyens and Wierman, "The foreground-background queue", 2008). By itself it starves whoever needs
most: where requests follow each other without end, one that needs a token more than they do never gets its last score. So a
newcomer counts as given what everybody has waited for, a little each second. Within a request pairs run in first-stage order,
so that what a deadline cuts off is the tail.

Equal pairs that are asked for at the same time are one job, whoever asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from jrerank.domain import Pair, Scored, Window
from jrerank.engines.engine import Engine
from jrerank.errors import EngineError, Overloaded, Unavailable
from jrerank.telemetry import Metrics, logger
from jrerank.throughput import Throughput

_LOG = logger(__name__)
_WORKER_NICENESS = 2
# What a newcomer counts as given: a small share of what an engine reads; in steps, so that those of one moment go by deadline
_AGEING_TOKENS_PER_S = 1_000
_AGEING_STEP_S = 0.1
Said = Scored | Exception


@dataclass(eq=False, slots=True)
class _Job:
    """A pair that somebody waits for."""

    pair: Pair
    estimated_tokens: int
    tickets: set[_Ticket] = field(default_factory=set)
    taken: bool = False


@dataclass(eq=False, slots=True)
class _Ticket:
    """A request's place in the scheduler. `given_tokens` is what it counts as given, from the moment it came."""

    deadline: float
    caller: str
    arrival: int
    given_tokens: int
    done: asyncio.Future[None]
    queue: deque[_Job] = field(default_factory=deque)
    waiting: set[bytes] = field(default_factory=set)
    said: dict[bytes, Said] = field(default_factory=dict)


class Scheduler:
    """Owns the worker threads and the queue in front of them.

    `on_scored` is called on the event loop with every score as it comes, also with those that were too late for their request.
    """

    def __init__(
        self,
        engine: Engine,
        metrics: Metrics,
        max_queued_tokens: int,
        on_scored: Callable[[bytes, Scored], None],
    ) -> None:
        self._engine = engine
        self._metrics = metrics
        self._max_queued_tokens = max_queued_tokens
        self._on_scored = on_scored
        self._throughput = Throughput(engine.workers)
        self._changed = threading.Condition()
        self._closed = False
        self._jobs: dict[bytes, _Job] = {}
        self._tickets: set[_Ticket] = set()
        self._had: Counter[str] = Counter()
        self._queued_tokens = 0
        self._arrivals = count()
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Start the workers; results are delivered on the running event loop."""
        self._loop = asyncio.get_running_loop()
        for number in range(self._engine.workers):
            thread = threading.Thread(target=self._work, name=f"jrerank-worker-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Let the workers finish what they are at, and stop."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def cut_off(self) -> None:
        """Let every open request go with what has been scored of it, as if its deadline were now."""
        for ticket in self._tickets:
            if not ticket.done.done():
                ticket.done.set_result(None)

    async def score(self, pairs: Sequence[Pair], deadline: float, caller: str = "") -> list[Said | None]:
        """What the model says of each pair: a score, the engine's error, or None if it was not reached by the deadline.

        Cancelling this call takes its pairs out of the queue.

        Args:
            deadline: on the clock of `time.monotonic()`.
            caller: whom to be fair to.

        Raises:
            Overloaded: too much is queued, or not even the first pair would be scored by the deadline.
            Unavailable: the sidecar is shutting down.
        """
        if not pairs:
            return []
        ticket = self._admit(pairs, deadline, caller)
        try:
            await asyncio.wait([ticket.done], timeout=deadline - time.monotonic())
            return [ticket.said.get(pair.key) for pair in pairs]
        finally:
            self._leave(ticket)

    def _admit(self, pairs: Sequence[Pair], deadline: float, caller: str) -> _Ticket:
        distinct = {pair.key: pair for pair in pairs}
        with self._changed:
            if self._closed:
                raise Unavailable("the sidecar is shutting down")
            self._check_load([pair for key, pair in distinct.items() if key not in self._jobs], deadline)
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            ticket = _Ticket(deadline, caller, next(self._arrivals), _newcomers_tokens(), done)
            for key, pair in distinct.items():
                job = self._jobs.get(key) or self._new_job(pair)
                job.tickets.add(ticket)
                ticket.waiting.add(key)
                if not job.taken:
                    ticket.queue.append(job)
            self._tickets.add(ticket)
            self._changed.notify(len(ticket.queue))
        return ticket

    def _check_load(self, pairs: Sequence[Pair], deadline: float) -> None:
        new_tokens = sum(map(self._throughput.estimated_tokens, pairs))
        if self._queued_tokens and self._queued_tokens + new_tokens > self._max_queued_tokens:
            wait_s = self._throughput.seconds_for(self._queued_tokens)
            raise Overloaded(f"{self._queued_tokens} tokens are queued already", retry_after_s=wait_s)
        given = _newcomers_tokens()
        ahead = [
            _until(ticket, given) for ticket in self._tickets if ticket.queue and ticket.given_tokens <= given
        ]
        wait_s = self._throughput.seconds_for(sum(ahead))
        # Where nobody is ahead, coming back later would not help: such a request gets what can be done by its deadline
        if pairs and ahead and wait_s > deadline - time.monotonic():
            raise Overloaded(f"{len(ahead)} requests come before this one", retry_after_s=wait_s)

    def _new_job(self, pair: Pair) -> _Job:
        job = _Job(pair, self._throughput.estimated_tokens(pair))
        self._jobs[pair.key] = job
        self._queued_tokens += job.estimated_tokens
        self._metrics.queued_pairs.inc()
        return job

    def _leave(self, ticket: _Ticket) -> None:
        """A request is over: jobs that nobody else waits for, and that no worker has taken, are dropped."""
        with self._changed:
            self._tickets.discard(ticket)
            for key in ticket.waiting:
                job = self._jobs[key]
                job.tickets.discard(ticket)
                if not job.tickets and not job.taken:
                    self._unqueue(job)
                    del self._jobs[key]
            if not any(other.caller == ticket.caller for other in self._tickets):
                del self._had[ticket.caller]

    def _unqueue(self, job: _Job) -> None:
        self._queued_tokens -= job.estimated_tokens
        self._metrics.queued_pairs.dec()

    def _work(self) -> None:
        _yield_to_the_event_loop()
        while run := self._next_run():
            started = time.perf_counter()
            said = self._score(run)
            spent_s = time.perf_counter() - started
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._deliver, run, said, spent_s)

    def _next_run(self) -> list[_Job]:
        """Wait for work and take it: pairs up to the engine's limit, or nothing when the scheduler has been closed."""
        with self._changed:
            first = self._take()
            while first is None and not self._closed:
                self._changed.wait()
                first = self._take()
            if first is None or self._closed:
                return []
            run, limit = [first], self._engine.batch_limit
            tokens = first.estimated_tokens
            while len(run) < limit.windows and tokens < limit.tokens and (another := self._take()):
                run.append(another)
                tokens += another.estimated_tokens
            return run

    def _take(self) -> _Job | None:
        for ticket in self._tickets:
            while ticket.queue and ticket.queue[0].taken:
                ticket.queue.popleft()
        waiting = [ticket for ticket in self._tickets if ticket.queue]
        if not waiting:
            return None
        chosen = min(waiting, key=lambda t: (t.given_tokens, t.deadline, self._had[t.caller], t.arrival))
        job = chosen.queue.popleft()
        job.taken = True
        chosen.given_tokens += job.estimated_tokens
        self._had[chosen.caller] += job.estimated_tokens
        self._unqueue(job)
        return job

    def _score(self, run: list[_Job]) -> list[Said]:
        """Run the windows of all jobs; a job whose windows have not all a logit has failed."""
        try:
            windows = [job.pair.windows() for job in run]
            logits = iter(self._engine.score([window for part in windows for window in part]))
            return [_best(part, [next(logits) for _ in part]) for part in windows]
        except Exception as error:  # noqa: BLE001  a worker must outlive whatever an engine raises
            _LOG.exception("run_failed", pairs=len(run))
            return [error for _ in run]

    def _deliver(self, run: list[_Job], said: list[Said], spent_s: float) -> None:
        scores = [one for one in said if isinstance(one, Scored)]
        self._throughput.observe([job.pair.chars for job in run], [one.tokens for one in scores], spent_s)
        self._metrics.tokens.inc(sum(one.tokens for one in scores))
        self._metrics.tokens_per_second.set(self._throughput.tokens_per_s)
        for job, one in zip(run, said, strict=True):
            if isinstance(one, Scored):
                self._on_scored(job.pair.key, one)
            with self._changed:
                del self._jobs[job.pair.key]
                tickets = list(job.tickets)
            for ticket in tickets:
                _tell(ticket, job.pair.key, one)


def _newcomers_tokens() -> int:
    """What a request that comes now counts as given already: it goes before all that have been given more."""
    return int(time.monotonic() / _AGEING_STEP_S) * int(_AGEING_TOKENS_PER_S * _AGEING_STEP_S)


def _until(ticket: _Ticket, given_tokens: int) -> int:
    """About what a request may still be given before it counts as given more than `given_tokens`."""
    first = ticket.queue[0].estimated_tokens
    return min(max(first, given_tokens - ticket.given_tokens), first * len(ticket.queue))


def _yield_to_the_event_loop() -> None:
    """On Linux a thread has a priority of its own: answers that are due go before scores that are wanted."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _WORKER_NICENESS)


def _tell(ticket: _Ticket, key: bytes, said: Said) -> None:
    ticket.said[key] = said
    ticket.waiting.discard(key)
    if not ticket.waiting and not ticket.done.done():
        ticket.done.set_result(None)


def _best(windows: Sequence[Window], logits: Sequence[float | EngineError]) -> Said:
    failed = next((logit for logit in logits if isinstance(logit, EngineError)), None)
    if failed is not None:
        _LOG.error("run_failed", error=str(failed))
        return failed
    return Scored(
        max(logit for logit in logits if not isinstance(logit, EngineError)), sum(map(len, windows))
    )
