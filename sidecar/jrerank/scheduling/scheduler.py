"""From the event loop to the workers and back: a request waits here for its scores until its deadline."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace

from jrerank.cache import ScoreCache
from jrerank.domain import PairResult, Scored
from jrerank.engines.engine import Engine
from jrerank.errors import InputTooLong, Overloaded, Unavailable
from jrerank.large_work import MANY_DOCUMENTS, LargeWork
from jrerank.scheduling.keys import keyed
from jrerank.scheduling.model import ScoringModel, SecondModel
from jrerank.scheduling.texts import FIRST, SECOND, PairText, QueryPassages
from jrerank.scheduling.throughput import Throughput
from jrerank.scheduling.work import Completed, PairWork, Ticket
from jrerank.scheduling.workers import Workers
from jrerank.telemetry import Metrics
from jrerank.tokenization.windows import Tokenization

# Making keys of more than this would hold up the event loop for some milliseconds
_MANY_CHARS, _MANY_PASSAGES = 200_000, MANY_DOCUMENTS
# A request of at least so many pairs is refused before they have keys; of so many it is looked whether they are known
_MANY_ENOUGH, _SAMPLED_PAIRS = 20, 5
# So many pairs go into the queue, or out of it, in one go of the event loop: a millisecond or two
_SLICE_PAIRS = 250
# So many entries of a cache are made anew in one go: half a millisecond
_SLICE_ENTRIES = 250
# So many results that nobody waits for by themselves wake the event loop up
_MANY_RESULTS = 64


class Scheduler:
    """Scores passages by a deadline. It lives on the event loop that was running at `start`.

    `cache` gets every score as it comes, also those that were too late for their request. `second` is the model of second rounds.
    """

    def __init__(
        self,
        engine: Engine,
        tokenization: Tokenization,
        throughput: Throughput,
        metrics: Metrics,
        max_queued_tokens: int,
        cache: ScoreCache,
        large: LargeWork,
        second: SecondModel | None = None,
    ) -> None:
        self._models = [ScoringModel(engine, tokenization), *([second.model] if second else [])]
        self._workers = Workers(
            self._models, throughput, metrics, max_queued_tokens, self._receive, self._receive_ended
        )
        self.second_depth = second.depth if second else 0
        self._is_cut_off = False
        self._metrics = metrics
        self._cache = cache
        self._large = large
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

    def queued_s(self) -> float:
        """How many seconds of work are open."""
        return self._workers.queued_s()

    def cut_off(self) -> None:
        """Let every open request go with what has been scored of it, as if its deadline were now."""
        self._is_cut_off = True
        for done in self._open.values():
            _set(done)

    async def score(
        self, queries: Sequence[QueryPassages], deadline: float, caller: str = ""
    ) -> list[list[PairResult | None]]:
        """What the model makes of each passage of each query; None for one that was not reached by the deadline.

        Args:
            deadline: on the clock of `time.monotonic()`.
            caller: whom to be fair to.

        Raises:
            Overloaded: the work could not be done by the deadline, though it could be later.
            Unavailable: the sidecar is shutting down.
        """
        self.refuse_early(queries, deadline, caller)
        return await self._score_by(FIRST, queries, deadline, caller)

    async def score_second(
        self, queries: Sequence[QueryPassages], deadline: float, caller: str = ""
    ) -> list[list[PairResult | None]]:
        """What the second model makes of each passage; None for one that was not reached by the deadline, or that there is no time
        for and whose score isn't known."""
        if any(query.passages for query in queries) and not self._is_cut_off and time.monotonic() < deadline:
            return await self._score_by(SECOND, queries, deadline, caller)
        return _unread(queries)

    async def _score_by(
        self, model: int, queries: Sequence[QueryPassages], deadline: float, caller: str
    ) -> list[list[PairResult | None]]:
        tokenization = self._models[model].tokenization
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                pairs = await self._large.run_if(
                    _have_much_to_key(queries), keyed, tokenization, queries, model
                )
        except TimeoutError:  # others' large work came first
            return _unread(queries)
        self._deliver()
        known = self._cache.known(pairs.texts)
        unknown = {key: text for key, text in pairs.texts.items() if key not in known}
        fresh: dict[bytes, PairResult] = {}
        # There is an answer without a second round
        with suppress(Unavailable) if model == SECOND else nullcontext():
            fresh = await self.score_pairs(unknown, deadline, caller)
        self._count(len(known), fresh.values())
        return pairs.results({**known, **fresh})

    async def score_pairs(
        self, pairs: Mapping[bytes, PairText], deadline: float, caller: str = ""
    ) -> dict[bytes, PairResult]:
        """What the model makes of each pair, by its key; a pair that was not reached by the deadline is missing.

        Cancelling this call takes its pairs out of the queue. It raises as `score` does.

        Args:
            pairs: of one model, in first-stage order; a key stands for all that the score depends on.
        """
        if not pairs:
            return {}
        work = self._work(pairs)
        first, later = work[:_SLICE_PAIRS], work[_SLICE_PAIRS:]
        later_tokens = sum(pair.estimated_tokens for pair in later)
        ticket = self._workers.admit(first, deadline, caller, later_tokens=later_tokens)
        loop = asyncio.get_running_loop()
        done = self._open[ticket] = loop.create_future()
        # Not by `asyncio.wait`, which would let the answer wait for another round of the event loop
        timer = loop.call_later(deadline - time.monotonic(), _set, done)
        try:
            await self._extend(ticket, later, deadline)
            await done
        finally:
            timer.cancel()
            del self._open[ticket]
            await self._leave(ticket)
            self._deliver()  # whoever asks again isn't refused for what is known: `refuse_early` looks at the cache alone
        self._observe(ticket)
        return dict(ticket.results)

    def _work(self, pairs: Mapping[bytes, PairText]) -> list[PairWork[PairText]]:
        texts = pairs.values()
        tokens = self._workers.estimated_tokens(
            [text.chars for text in texts], max(text.max_tokens for text in texts)
        )
        cost = self._models[next(iter(texts)).model].token_cost
        return [
            PairWork(key, text, max(1, round(count * cost)), cost)
            for (key, text), count in zip(pairs.items(), tokens, strict=True)
        ]

    def refuse_early(self, queries: Sequence[QueryPassages], deadline: float, caller: str) -> None:
        """Refuse what could not be done in time. That must not cost the keys of all pairs: those of a few tell what is new.

        It may be called from any thread.

        Raises:
            Overloaded: as `score` does; a request of which something is known is left to it.
        """
        chars = [len(passage) for query in queries for passage in query.passages]
        if len(chars) < _MANY_ENOUGH:
            return
        first = next(query for query in queries if query.passages)
        tokenization = self._models[FIRST].tokenization
        tokens = self._workers.estimated_tokens(
            chars, tokenization.most_tokens(first.reading, len(first.query))
        )
        try:
            self._workers.check(sum(tokens), tokens[0], deadline, caller)
        except Overloaded:
            few = keyed(tokenization, _sampled(queries)).texts
            if not any(key in self._cache for key in few) and not self._workers.are_waited_for(few):
                raise

    def _count(self, known: int, fresh: Collection[PairResult]) -> None:
        scored = [result for result in fresh if isinstance(result, Scored)]
        self._metrics.truncated.inc(sum(result.truncated for result in scored))
        self._metrics.pairs.labels("cached").inc(known)
        self._metrics.pairs.labels("scored").inc(len(scored))
        self._metrics.cache_bytes.set(self._cache.used_bytes)

    async def compact(self) -> None:
        """Let what has been remembered of late lie close together, once what was in memory beside it has gone."""
        id_caches = [model.tokenization.id_cache for model in self._models]
        for compact in (self._cache.compact, *(cache.compact for cache in id_caches)):
            is_left = compact(_SLICE_ENTRIES)
            while is_left:
                await asyncio.sleep(0)
                is_left = compact(_SLICE_ENTRIES)

    async def _extend(
        self, ticket: Ticket[PairText], later: Sequence[PairWork[PairText]], deadline: float
    ) -> None:
        """Many pairs go into the queue slice by slice: workers and other requests wait for its lock meanwhile.

        Those that it is too late for, or that nobody waits for any more, would only have to be taken out again.
        """
        for begin in range(0, len(later), _SLICE_PAIRS):
            await asyncio.sleep(0)
            if self._open[ticket].done() or time.monotonic() >= deadline:
                return
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
        """In a worker's thread: the event loop is woken up for requests that need wait no longer. What else they get is looked at
        by then, or before a score is looked up, or once it is much: each wake-up stops a worker where cores are few."""
        self._inbox.extend(completed)
        is_due = len(self._inbox) >= _MANY_RESULTS or any(
            not pair.tickets or any(_ends_wait(pair, ticket) for ticket in pair.tickets) for pair in completed
        )
        if is_due and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver)

    def _receive_ended(self, tickets: Sequence[Ticket[PairText]]) -> None:
        """In a worker's thread, as above."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._settle, tickets)

    def _settle(self, tickets: Sequence[Ticket[PairText]]) -> None:
        for ticket in tickets:
            if ticket.is_done and ticket in self._open:
                _set(self._open[ticket])

    def _deliver(self) -> None:
        while self._inbox:
            pair = self._inbox.popleft()
            if isinstance(pair.result, Scored):
                self._cache.put(pair.key, pair.result)
            for ticket in pair.tickets:
                if _ends_wait(pair, ticket) and ticket in self._open:
                    _set(self._open[ticket])

    def _observe(self, ticket: Ticket[PairText]) -> None:
        """Where the time went. What never happened is not counted as quick."""
        times = (ticket.arrival, ticket.first_ready, ticket.first_taken, time.monotonic())
        for stage, begun, ended in zip(("tokenizing", "queue", "run"), times, times[1:], strict=False):
            if begun is not None and ended is not None:
                self._metrics.stage_seconds.labels(stage).observe(max(0.0, ended - begun))


def _ends_wait(pair: Completed[PairText], ticket: Ticket[PairText]) -> bool:
    """Whether a request is done with this result. One text that may not be truncated decides about the whole request, but not about
    its second round."""
    return ticket.is_done or (isinstance(pair.result, InputTooLong) and not ticket.is_second_round)


def _have_much_to_key(queries: Sequence[QueryPassages]) -> bool:
    chars = [len(passage) for query in queries for passage in query.passages]
    return len(chars) > _MANY_PASSAGES or sum(chars) > _MANY_CHARS


def _unread(queries: Sequence[QueryPassages]) -> list[list[PairResult | None]]:
    return [[None] * len(query.passages) for query in queries]


def _sampled(queries: Sequence[QueryPassages]) -> list[QueryPassages]:
    """A few pairs at equal distances: what is new may stand anywhere, as in front where it was indexed just now."""
    step = -(-sum(len(query.passages) for query in queries) // _SAMPLED_PAIRS)
    sampled, before = [], 0
    for query in queries:
        if passages := query.passages[-before % step :: step]:
            sampled.append(replace(query, passages=passages))
        before += len(query.passages)
    return sampled


def _set(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
