"""From the event loop to the workers and back: a request waits here for its pairs until its deadline."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from jrerank.domain import Scored
from jrerank.engines.engine import Engine
from jrerank.errors import InputTooLong
from jrerank.scheduling.texts import PairText
from jrerank.scheduling.throughput import Throughput
from jrerank.scheduling.work import Completed, PairResult, PairWork, Ticket
from jrerank.scheduling.workers import Workers
from jrerank.telemetry import Metrics
from jrerank.tokenization.windows import Tokenization

# So many pairs go into the queue, or out of it, in one go of the event loop: a millisecond or two
_SLICE_PAIRS = 250


class Scheduler:
    """Scores pairs of texts by a deadline. It lives on the event loop that was running at `start`.

    `on_scored` is called there with every score as it comes, also with those that were too late for their request.
    """

    def __init__(
        self,
        engine: Engine,
        tokenization: Tokenization,
        throughput: Throughput,
        metrics: Metrics,
        max_queued_tokens: int,
        on_scored: Callable[[bytes, Scored], None],
    ) -> None:
        self._workers = Workers(engine, tokenization, throughput, metrics, max_queued_tokens, self._receive)
        self._metrics = metrics
        self._on_scored = on_scored
        self._open: dict[Ticket[PairText], asyncio.Future[None]] = {}
        self._inbox: deque[Completed[PairText]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Start the threads; results are delivered on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._workers.start()

    async def close(self) -> None:
        """Let the workers finish the batches that they are at, and stop."""
        await asyncio.to_thread(self._workers.close)

    def healthy(self) -> bool:
        """Whether anything could be scored."""
        return self._workers.healthy()

    def cut_off(self) -> None:
        """Let every open request go with what has been scored of it, as if its deadline were now."""
        for done in self._open.values():
            _set(done)

    async def score(
        self, pairs: Mapping[bytes, PairText], deadline: float, caller: str = ""
    ) -> dict[bytes, PairResult]:
        """What the model makes of each pair, by its key; a pair that was not reached by the deadline is missing.

        Cancelling this call takes its pairs out of the queue.

        Args:
            pairs: in first-stage order; a key stands for all that the score depends on.
            deadline: on the clock of `time.monotonic()`.
            caller: whom to be fair to.

        Raises:
            Overloaded: the work could not be done by the deadline, though it could be later.
            Unavailable: the sidecar is shutting down.
        """
        if not pairs:
            return {}
        texts = pairs.values()
        tokens = self._workers.estimated_tokens(
            [text.chars for text in texts], max(text.max_tokens for text in texts)
        )
        work = list(map(PairWork, pairs, texts, tokens))
        first, later = work[:_SLICE_PAIRS], work[_SLICE_PAIRS:]
        later_tokens = sum(pair.estimated_tokens for pair in later)
        ticket = self._workers.admit(first, deadline, caller, later_tokens=later_tokens)
        done = self._open[ticket] = asyncio.get_running_loop().create_future()
        try:
            await self._extend(ticket, later)
            await asyncio.wait([done], timeout=deadline - time.monotonic())
        finally:
            del self._open[ticket]
            await self._leave(ticket)
        self._observe(ticket)
        return dict(ticket.results)

    def check(self, chars: Sequence[int], max_tokens: int, deadline: float, caller: str) -> None:
        """Refuse a request early, by the lengths of its pairs, as `score` would if it knew none of them.

        Raises:
            Overloaded: the work could not be done by the deadline, though it could be later.
        """
        tokens = self._workers.estimated_tokens(chars, max_tokens)
        self._workers.check(sum(tokens), tokens[0], deadline, caller)

    def are_waited_for(self, keys: Sequence[bytes]) -> bool:
        """Whether one of these pairs is being scored for somebody."""
        return self._workers.are_waited_for(keys)

    async def _extend(self, ticket: Ticket[PairText], later: Sequence[PairWork[PairText]]) -> None:
        """Many pairs go into the queue slice by slice: workers and other requests wait for its lock meanwhile."""
        for begin in range(0, len(later), _SLICE_PAIRS):
            await asyncio.sleep(0)
            is_last = begin + _SLICE_PAIRS >= len(later)
            self._workers.extend(ticket, later[begin : begin + _SLICE_PAIRS], is_last=is_last)
        if ticket.is_done:
            _set(self._open[ticket])

    async def _leave(self, ticket: Ticket[PairText]) -> None:
        try:
            is_left = self._workers.leave(ticket, _SLICE_PAIRS)
            while is_left:
                await asyncio.sleep(0)
                is_left = self._workers.leave(ticket, _SLICE_PAIRS)
        except asyncio.CancelledError:
            self._workers.leave(ticket)
            raise

    def _receive(self, completed: Sequence[Completed[PairText]]) -> None:
        """In a worker's thread: one wake-up of the event loop for all that has come by the time it looks."""
        self._inbox.extend(completed)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        while self._inbox:
            pair = self._inbox.popleft()
            if isinstance(pair.result, Scored):
                self._on_scored(pair.key, pair.result)
            for ticket in pair.tickets:
                # One text that may not be truncated decides about the whole request
                if (ticket.is_done or isinstance(pair.result, InputTooLong)) and ticket in self._open:
                    _set(self._open[ticket])

    def _observe(self, ticket: Ticket[PairText]) -> None:
        """Where the time went. What never happened is not counted as quick."""
        times = (ticket.arrival, ticket.first_ready, ticket.first_taken, time.monotonic())
        for stage, begun, ended in zip(("tokenizing", "queue", "run"), times, times[1:], strict=False):
            if begun is not None and ended is not None:
                self._metrics.stage_seconds.labels(stage).observe(max(0.0, ended - begun))


def _set(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
