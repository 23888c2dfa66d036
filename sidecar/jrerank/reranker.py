"""The one way through: every door calls `Reranker.rerank`.

From `POST /v1/hits` to the engine: `doors/http/hits.py` takes the body, `doors/native.py` knows its shape, and `doors/intake.py`
makes the request of it, with limits and a deadline. Here its passages are fetched, if a store has them, scored and put in order.
`scheduling/scheduler.py` refuses what can't be done in time, looks scores up by `scheduling/keys.py`, and waits for the rest until
the deadline. `scheduling/workers.py` has the threads: they take what comes next from `scheduling/queue.py`, and call the engine.
`ordering.py` makes the ranking. With a second model (`cascade.py`) its top is scored once more, the same way, before the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from jrerank.cascade import Head
from jrerank.domain import Ranking, RerankRequest
from jrerank.large_work import MANY_DOCUMENTS, LargeWork
from jrerank.ordering import heads_of, rankings_of
from jrerank.scheduling.scheduler import Scheduler
from jrerank.scheduling.texts import QueryPassages
from jrerank.stores.passages import FetchedPassages, Passages
from jrerank.stores.store import PassageStore
from jrerank.telemetry import Metrics
from jrerank.tokenization.windows import Reading


class Reranker:
    """Takes a request through stores, scheduler and ordering."""

    def __init__(
        self, scheduler: Scheduler, stores: Mapping[str, PassageStore], metrics: Metrics, large: LargeWork
    ) -> None:
        self._passages = Passages(stores, metrics)
        self._scheduler = scheduler
        self._metrics = metrics
        self._large = large

    def refuse_early(self, queries: Sequence[QueryPassages], deadline: float, caller: str) -> None:
        """Refuse what `rerank` would refuse for lack of time, before it is made a request; may be called from any thread.

        Raises:
            Overloaded: there is too much work to meet the deadline.
        """
        self._scheduler.refuse_early(queries, deadline, caller)

    async def rerank(self, request: RerankRequest) -> Ranking:
        """The candidates in their new order. A store or an engine that fails costs the new order, never a hit.

        Raises:
            InputTooLong: a pair does not fit, and the request refuses truncation; `field` is `query` or such as `passages.3`.
            UnknownStore: no store has the request's name.
            Overloaded: there is too much work to meet the deadline.
        """
        (ranking,) = await self.rerank_all([request])
        return ranking

    async def rerank_all(self, requests: Sequence[RerankRequest]) -> list[Ranking]:
        """Several requests of one caller that are answered together: one place in the queue, and the earliest deadline for all.

        Raises:
            JrerankError: as `rerank` does.
        """
        if not requests:
            return []
        deadline = min(request.deadline for request in requests)
        fetched = await self._passages.fetch(requests, deadline)
        queries = list(map(_to_read, requests, fetched))
        caller, depth = requests[0].caller, self._scheduler.second_depth
        results = await self._scheduler.score(queries, deadline, caller)
        is_large, heads = sum(request.documents for request in requests) > MANY_DOCUMENTS, None
        if depth:
            heads = await self._large.answer_if(is_large, heads_of, requests, fetched, results, depth)
            heads = await self._read(heads, requests, deadline)
        return await self._large.answer_if(is_large, rankings_of, requests, fetched, results, heads)

    async def _read(
        self, heads: Sequence[Head], requests: Sequence[RerankRequest], deadline: float
    ) -> list[Head]:
        """The heads with what the second model makes of them."""
        queries = [
            QueryPassages(request.query, head.passages, _reading(request))
            for request, head in zip(requests, heads, strict=True)
        ]
        results = await self._scheduler.score_second(queries, deadline, requests[0].caller)
        read = [replace(head, results=tuple(own)) for head, own in zip(heads, results, strict=True)]
        for head in read:
            if head.passages:
                became = "complete" if head.is_read else "partial" if head.read else "skipped"
                self._metrics.second_rounds.labels(became).inc()
        return read


def _to_read(request: RerankRequest, fetched: FetchedPassages) -> QueryPassages:
    passages = [passage for of_candidate in fetched.to_read for passage in of_candidate]
    return QueryPassages(request.query, passages, _reading(request))


def _reading(request: RerankRequest) -> Reading:
    return Reading(request.max_tokens_per_doc, request.truncation)
