"""The threads that drive the queue: tokenizers, and ahead of them workers, each with an engine's batch at a time.

A run can't be interrupted, and one of a long window takes as long as a small request as a whole, or several times as long where the
event loop keeps a core busy. So small requests that would wait for others' windows have a worker to spare, if the engine allows for
one: the system shares the cores among them all. It runs only where a small request is next anyway, so that callers get the same
shares as without it, and no core does less.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from operator import attrgetter

from jrerank.engines.engine import BatchLimit, least_limit, score_each
from jrerank.errors import Unavailable
from jrerank.fairness.caller import serve_all
from jrerank.scheduling.fair_queue import FairQueue
from jrerank.scheduling.model import ScoringModel
from jrerank.scheduling.queue import Queue
from jrerank.scheduling.texts import SECOND, PairText, TextOutcome, read_texts
from jrerank.scheduling.throughput import Throughput
from jrerank.scheduling.work import Completed, Job, PairWork, QueuedWindow, Ticket
from jrerank.telemetry import Metrics, logger
from jrerank.thread_priority import run_promptly, yield_to_others
from jrerank.tokenization.windows import LongReader, Windows

_LOG = logger(__name__)
# A third of the share that the event loop has of a core. With two thirds 200 callers waited half as long again for their refusals,
# and no more was scored. The search engine on the same machine goes before scores too
_NICENESS = 5
# One tokenizer keeps some eight workers of a CPU busy
_WORKERS_PER_TOKENIZER = 8
# Texts go to the tokenizer in slices of about so many tokens
_SLICE_TOKENS = 1_024
# How far tokenizers are ahead of each worker, beyond two full batches
_TOKENS_AHEAD = 4_096
# A worker that has been so long at one batch hangs
_HANG_S = 30.0
_RESTART_PAUSE_S = 0.1
_CLOSE_TIMEOUT_S = 10.0
OnCompleted = Callable[[list[Completed[PairText]]], None]
OnEnded = Callable[[list[Ticket[PairText]]], None]


@dataclass(frozen=True, slots=True)
class _HalfRead:
    """A long text that has been begun, with the caller and the due date of the first request that waits for it."""

    caller: str
    due: float
    number: int
    job: Job[PairText]
    reader: LongReader


class Workers:
    """Owns the threads, the queue between them, and the lock around it. Its methods may be called from any thread.

    The same threads serve every model: a batch's windows go to the engines of those that they were made for.
    `on_completed` is called in a worker's thread with the pairs that have their results, `on_ended` with second rounds for which
    there is no more time, and under the lock: it must not call back.
    """

    def __init__(
        self,
        models: Sequence[ScoringModel],
        throughput: Throughput,
        metrics: Metrics,
        max_queued_tokens: int,
        on_completed: OnCompleted,
        on_ended: OnEnded,
    ) -> None:
        self._models = models
        self._spare_workers = min(model.engine.spare_workers for model in models)
        self._workers = min(model.engine.workers for model in models)
        self._metrics = metrics
        self._on_completed = on_completed
        self._on_ended = on_ended
        self._throughput = throughput
        tokens_ahead = self._workers * (_TOKENS_AHEAD + 2 * self._batch_limit().tokens)
        self._queue: Queue[PairText] = Queue(self._throughput, max_queued_tokens, tokens_ahead)
        lock = threading.Lock()
        self._windows_ready = threading.Condition(lock)
        self._texts_ready = threading.Condition(lock)
        self._small_ready = threading.Condition(lock)
        self._lock = lock
        # Of one caller what is due first is read to its end first, so that the workers have something to do
        self._half_read: FairQueue[_HalfRead] = FairQueue()
        self._numbers = count()
        self._threads: list[threading.Thread] = []
        self._busy_since: dict[int, float] = {}
        self._idle_workers = 0
        self._spare_cost = 0
        self._closed = False

    def start(self) -> None:
        """Start the threads."""
        tokenizers = -(-self._workers // _WORKERS_PER_TOKENIZER)
        for name, work, threads, set_priority in (
            ("worker", self._work, self._workers, _yield_to_the_event_loop),
            ("tokenizer", self._tokenize, tokenizers, _yield_to_the_event_loop),
            ("spare", self._work_on_small, self._spare_workers, run_promptly),
        ):
            for number in range(threads):
                thread = threading.Thread(
                    target=self._supervise,
                    args=(work, set_priority),
                    name=f"jrerank-{name}-{number}",
                    daemon=True,
                )
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        """Let the threads finish the batches that they are at, and stop. Not for the event loop: it waits."""
        with self._lock:
            self._closed = True
            self._windows_ready.notify_all()
            self._texts_ready.notify_all()
            self._small_ready.notify_all()
        give_up = time.monotonic() + _CLOSE_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, give_up - time.monotonic()))

    def healthy(self) -> bool:
        """Whether workers and tokenizers live and one worker at least doesn't hang. Without the spare one answers take longer."""
        now = time.monotonic()
        workers = self._threads[: self._workers]
        begun = [self._busy_since.get(thread.ident or 0, now) for thread in workers if thread.is_alive()]
        tokenizers = self._threads[self._workers : len(self._threads) - self._spare_workers]
        reads = any(thread.is_alive() for thread in tokenizers)
        return reads and any(now - since < _HANG_S for since in begun)

    def queued_s(self) -> float:
        """How many seconds of work are open, by estimate. It takes no lock: it may be off by a batch."""
        return self._queue.seconds

    def estimated_tokens(self, chars: Sequence[int], max_tokens: int) -> list[int]:
        """About how many tokens pairs of so many characters will have."""
        return self._throughput.estimated_tokens_of(chars, max_tokens)

    def check(self, tokens: int, first_tokens: int, deadline: float, caller: str) -> None:
        """See `Queue.check`."""
        with self._lock:
            self._queue.check(tokens, first_tokens, deadline, caller, time.monotonic())

    def are_waited_for(self, keys: Iterable[bytes]) -> bool:
        """Whether one of these pairs is being scored for somebody."""
        with self._lock:
            return any(map(self._queue.is_waited_for_by_key, keys))

    def admit(
        self, pairs: Sequence[PairWork[PairText]], deadline: float, caller: str, *, later_tokens: int = 0
    ) -> Ticket[PairText]:
        """See `Queue.admit`.

        Raises:
            Overloaded: it would not be done in time.
            Unavailable: the sidecar is shutting down.
        """
        with self._lock:
            if self._closed:
                raise Unavailable("the sidecar is shutting down")
            now, is_second = time.monotonic(), pairs[0].text.model == SECOND
            ticket = self._queue.admit(
                pairs, deadline, caller, now, later_tokens=later_tokens, is_second_round=is_second
            )
            self._notify_of(ticket)
        return ticket

    def extend(self, ticket: Ticket[PairText], pairs: Sequence[PairWork[PairText]], *, is_last: bool) -> None:
        """See `Queue.extend`."""
        with self._lock:
            self._queue.extend(ticket, pairs, is_last=is_last)
            self._notify_of(ticket)

    def leave(self, ticket: Ticket[PairText], most: int | None = None) -> bool:
        """See `Queue.leave`."""
        with self._lock:
            is_left = self._queue.leave(ticket, most)
            self._metrics.queued_pairs.set(self._queue.waiting_pairs)
        return is_left

    def _notify_of(self, ticket: Ticket[PairText]) -> None:
        self._texts_ready.notify()
        if ticket.ready:  # tokenized for another request that waits for the same pairs
            self._windows_ready.notify_all()
            self._notify_of_small()
        self._metrics.queued_pairs.set(self._queue.waiting_pairs)

    def _notify_of_small(self) -> None:
        if self._queue.is_small_due(time.monotonic()):
            self._small_ready.notify()

    def _supervise(self, work: Callable[[], None], set_priority: Callable[[], None]) -> None:
        serve_all()
        set_priority()
        while not self._closed:
            try:
                work()
            except BaseException:  # noqa: BLE001  without this thread requests would wait for nothing
                _LOG.exception("thread_restarted", thread=threading.current_thread().name)
                time.sleep(_RESTART_PAUSE_S)

    # Workers

    def _work(self) -> None:
        batch: list[QueuedWindow[PairText]] = self._first_batch()
        while batch:
            started = time.monotonic()
            self._busy_since[threading.get_ident()] = started
            results = self._score(batch)
            del self._busy_since[threading.get_ident()]
            completed, following = self._finish(batch, results, time.monotonic() - started)
            if completed:
                self._on_completed(completed)
            batch = following or self._first_batch()

    def _score(self, batch: Sequence[QueuedWindow[PairText]]) -> list[float | Exception]:
        results: dict[int, float | Exception] = {}
        for number, model in enumerate(self._models):
            places = [place for place, queued in enumerate(batch) if queued.job.text.model == number]
            if places:
                windows = [batch[place].window for place in places]
                results.update(zip(places, score_each(model.engine, windows), strict=True))
        return [results[place] for place in range(len(batch))]

    def _batch_limit(self) -> BatchLimit:
        """What every engine takes."""
        return least_limit([model.engine for model in self._models])

    def _first_batch(self) -> list[QueuedWindow[PairText]]:
        """Wait for work; nothing once the workers have been closed."""
        with self._lock:
            while not self._closed:
                if batch := self._next_batch():
                    return batch
                self._idle_workers += 1
                self._windows_ready.wait()
                self._idle_workers -= 1
        return []

    def _next_batch(self) -> list[QueuedWindow[PairText]]:
        batch = self._queue.next_batch(self._batch_limit(), time.monotonic())
        if ended := self._queue.take_ended():
            self._on_ended(ended)
        self._texts_ready.notify()
        self._notify_of_small()
        return batch

    def _finish(
        self, batch: Sequence[QueuedWindow[PairText]], results: Sequence[float | Exception], spent_s: float
    ) -> tuple[list[Completed[PairText]], list[QueuedWindow[PairText]]]:
        """What a batch has completed, and the next batch, so that the lock is taken once."""
        with self._lock:
            # The spare worker has had a part of that time, on the same cores
            cost, self._spare_cost = self._spare_cost + sum(queued.cost for queued in batch), 0
            self._throughput.observe_run(cost, spent_s)
            completed = self._end(batch, results)
            following = [] if self._closed else self._next_batch()
            self._metrics.queued_pairs.set(self._queue.waiting_pairs)
        self._metrics.tokens.inc(sum(len(queued.window) for queued in batch))
        self._metrics.tokens_per_second.set(self._throughput.tokens_per_s)
        return completed, following

    def _end(
        self, batch: Sequence[QueuedWindow[PairText]], results: Sequence[float | Exception]
    ) -> list[Completed[PairText]]:
        ended = [self._queue.finish(queued, result) for queued, result in zip(batch, results, strict=True)]
        return [pair for pair in ended if pair]

    # The worker to spare

    def _work_on_small(self) -> None:
        while batch := self._first_small_batch():
            results = self._score(batch)
            with self._lock:
                self._spare_cost += sum(queued.cost for queued in batch)
                completed = self._end(batch, results)
            self._metrics.tokens.inc(sum(len(queued.window) for queued in batch))
            if completed:
                self._on_completed(completed)

    def _first_small_batch(self) -> list[QueuedWindow[PairText]]:
        """As `_first_batch`; what an idle worker would take is left to it."""
        with self._lock:
            while not self._closed:
                if not self._idle_workers and (batch := self._queue.next_small_batch(time.monotonic())):
                    self._texts_ready.notify()
                    return batch
                self._small_ready.wait()
        return []

    # Tokenizers

    def _tokenize(self) -> None:
        prefers_new = True
        while texts := self._next_texts(prefers_new=prefers_new):
            if isinstance(texts, _HalfRead):
                self._go_on(texts)
            else:
                tokenization = self._models[texts[0].text.model].tokenization  # texts are of one request
                self._supply(texts, read_texts(tokenization, [job.text for job in texts]))
            prefers_new = isinstance(texts, _HalfRead)

    def _next_texts(self, *, prefers_new: bool) -> list[Job[PairText]] | _HalfRead | None:
        """Wait for texts: new ones, or a long one that has been begun; in turns, so that neither waits for the other."""
        with self._lock:
            while not self._closed:
                if not prefers_new and (half_read := self._next_half_read()):
                    return half_read
                if jobs := self._queue.next_texts(_SLICE_TOKENS, time.monotonic()):
                    return jobs
                if half_read := self._next_half_read():
                    return half_read
                self._texts_ready.wait()
        return None

    def _next_half_read(self) -> _HalfRead | None:
        while half_read := self._half_read.pop():
            is_waited_for = self._queue.is_waited_for(half_read.job, time.monotonic())
            self._half_read.charge(half_read.caller, 1.0 if is_waited_for else 0.0)
            if is_waited_for:
                return half_read
            self._queue.put_back(half_read.job)
        return None

    def _put_by(self, half_read: _HalfRead) -> None:
        self._half_read.push(half_read.caller, half_read.due, half_read.number, half_read)

    def _go_on(self, half_read: _HalfRead) -> None:
        outcome = _step(half_read.reader)
        if isinstance(outcome, LongReader):
            with self._lock:
                self._put_by(half_read)
        else:
            self._supply([half_read.job], [outcome])

    def _supply(self, jobs: Sequence[Job[PairText]], outcomes: Sequence[TextOutcome]) -> None:
        failed: list[Completed[PairText]] = []
        chars, tokens, ready = [], [], 0
        with self._lock:
            for job, outcome in zip(jobs, outcomes, strict=True):
                if isinstance(outcome, Windows):
                    self._queue.supply(job, outcome.windows, time.monotonic(), truncated=outcome.truncated)
                    ready += len(outcome.windows)
                    if not outcome.truncated:
                        chars.append(job.text.chars)
                        tokens.append(sum(map(len, outcome.windows)))
                elif isinstance(outcome, LongReader):
                    first = min(job.tickets, key=attrgetter("due"), default=None)
                    caller, due = (first.caller, first.due) if first else ("", math.inf)
                    self._put_by(_HalfRead(caller, due, next(self._numbers), job, outcome))
                else:
                    failed.append(self._queue.fail(job, outcome))
            self._throughput.observe_texts(chars, tokens)
            self._windows_ready.notify(ready)
            self._notify_of_small()
        if failed:
            self._on_completed(failed)


def _yield_to_the_event_loop() -> None:
    """Answers that are due go before scores that are wanted."""
    yield_to_others(_NICENESS)


def _step(reader: LongReader) -> TextOutcome:
    try:
        return reader.windows() if reader.step() else reader
    except Exception as error:  # noqa: BLE001  whatever a tokenizer raises, it is this text that has failed
        return error
