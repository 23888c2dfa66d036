"""The one way through: every door calls `Reranker.rerank`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from jrerank.cache import ScoreCache
from jrerank.domain import Candidate, Outcome, Ranking, RerankRequest, Scored
from jrerank.errors import InputTooLong, Overloaded, UnknownStore
from jrerank.large_work import MANY_DOCUMENTS, LargeWork
from jrerank.ordering import order
from jrerank.scheduling.scheduler import Scheduler
from jrerank.scheduling.texts import Digests, PairText, keyed_pairs
from jrerank.scheduling.work import PairResult
from jrerank.stores.store import PassageStore
from jrerank.telemetry import Metrics, logger
from jrerank.tokenization.windows import Reading, Tokenization

_LOG = logger(__name__)
# Of a deadline's time, how much is left to the store: without a passage nothing can be scored
_STORE_SHARE = 0.5
# Making keys of more than this would hold up the event loop for some milliseconds
_MANY_CHARS, _MANY_PASSAGES = 200_000, MANY_DOCUMENTS
# A request of at least so many pairs is refused before they have keys; of so many it is looked whether their scores are known
_MANY_ENOUGH, _FIRST_FEW = 20, 3


@dataclass(frozen=True, slots=True)
class _FetchedPassages:
    """The candidates with the passages that a store had, and why some are missing."""

    candidates: tuple[Candidate, ...]
    reason: str | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(candidate.id for candidate in self.candidates if candidate.passage is None)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a store has of the passages that it was asked for, and why it has none."""

    passages: Mapping[str, str]
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class _Pairs:
    """One request's pairs: a key for each passage of each candidate, and the texts by their keys."""

    keys: tuple[tuple[bytes, ...], ...]
    texts: Mapping[bytes, PairText]


class Reranker:
    """Takes a request through store, cache, scheduler and ordering."""

    def __init__(
        self,
        tokenization: Tokenization,
        fingerprint: str,
        cache: ScoreCache,
        scheduler: Scheduler,
        stores: Mapping[str, PassageStore],
        metrics: Metrics,
    ) -> None:
        self._tokenization = tokenization
        self._fingerprint = fingerprint
        self._cache = cache
        self._scheduler = scheduler
        self._stores = stores
        self._metrics = metrics
        self._large = LargeWork()

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
        fetched = await self._with_passages(requests, deadline)
        self._refuse_early(requests, fetched, deadline)
        pairs = await self._large.run_if(_have_much_to_key(requests, fetched), self._pairs, requests, fetched)
        texts = {key: text for part in pairs for key, text in part.texts.items()}
        results = await self._results(texts, deadline, requests[0].caller)
        rankings = partial(_rankings, requests, fetched, pairs, results)
        return await self._large.run_if(_is_large(requests), rankings)

    async def _with_passages(
        self, requests: Sequence[RerankRequest], deadline: float
    ) -> list[_FetchedPassages]:
        """Each store is asked once for what all requests together need of it."""
        needed: dict[str, dict[str, None]] = {}
        for request in requests:
            if request.store is not None:
                self._check_known(request.store)
                needed.setdefault(request.store, {}).update(dict.fromkeys(_missing_ids(request)))
        found: dict[str | None, _Found] = {
            store: await self._found(store, list(ids), deadline) for store, ids in needed.items() if ids
        }
        return [_filled(request, found.get(request.store, _Found({}))) for request in requests]

    def _check_known(self, store: str) -> None:
        if store not in self._stores:
            known = ", ".join(self._stores) or "none is configured"
            raise UnknownStore(f"there is no store {store!r} ({known})", field="store")

    async def _found(self, store: str, ids: Sequence[str], deadline: float) -> _Found:
        timeout_s = max(0.0, (deadline - time.monotonic()) * _STORE_SHARE)
        try:
            with self._metrics.stage_seconds.labels("store").time():
                async with asyncio.timeout(timeout_s):
                    return _Found(await self._stores[store].fetch(ids, timeout_s))
        except TimeoutError:
            _LOG.warning("store_timeout", store=store, timeout_ms=round(timeout_s * 1000))
            return _Found({}, "store_timeout")
        except Exception as error:  # noqa: BLE001  whatever a store raises, no hit is lost for it
            _LOG.warning("store_error", store=store, error=f"{type(error).__name__}: {error}")
            return _Found({}, "store_error")

    def _pairs(self, requests: Sequence[RerankRequest], fetched: Sequence[_FetchedPassages]) -> list[_Pairs]:
        digests = Digests()
        return [
            self._pairs_of(request, some.candidates, digests)
            for request, some in zip(requests, fetched, strict=True)
        ]

    def _pairs_of(self, request: RerankRequest, candidates: Sequence[Candidate], digests: Digests) -> _Pairs:
        of_each = [() if _is_blank(request) else candidate.passages for candidate in candidates]
        pairs = self._keyed_pairs(request, [one for some in of_each for one in some], digests)
        keys = iter([key for key, _ in pairs])
        return _Pairs(tuple(tuple(next(keys) for _ in passages) for passages in of_each), dict(pairs))

    def _keyed_pairs(
        self, request: RerankRequest, passages: Sequence[str], digests: Digests | None = None
    ) -> list[tuple[bytes, PairText]]:
        reading = Reading(request.max_tokens_per_doc, request.truncation)
        return keyed_pairs(self._tokenization, self._fingerprint, request.query, passages, reading, digests)

    def _refuse_early(
        self, requests: Sequence[RerankRequest], fetched: Sequence[_FetchedPassages], deadline: float
    ) -> None:
        """A refusal must not cost the keys of all pairs; those of the first few tell whether it is new."""
        texts = [
            _passages_to_read(request, some.candidates)
            for request, some in zip(requests, fetched, strict=True)
        ]
        if sum(map(len, texts)) < _MANY_ENOUGH:
            return
        first = next(place for place, some in enumerate(texts) if some)
        request, passages = requests[first], texts[first]
        chars = [len(text) for some in texts for text in some]
        most = self._tokenization.most_tokens(Reading(request.max_tokens_per_doc, request.truncation))
        try:
            self._scheduler.check(chars, most, deadline, request.caller)
        except Overloaded:
            keys = [key for key, _ in self._keyed_pairs(request, passages[:_FIRST_FEW])]
            if not any(key in self._cache for key in keys) and not self._scheduler.are_waited_for(keys):
                raise

    async def _results(
        self, texts: Mapping[bytes, PairText], deadline: float, caller: str
    ) -> dict[bytes, PairResult]:
        known = {key: scored for key in texts if (scored := self._cache.get(key))}
        rest = {key: text for key, text in texts.items() if key not in known}
        fresh = await self._scheduler.score(rest, deadline, caller)
        self._metrics.truncated.inc(
            sum(isinstance(result, Scored) and result.truncated for result in fresh.values())
        )
        self._metrics.pairs.labels("cached").inc(len(known))
        self._metrics.pairs.labels("scored").inc(sum(isinstance(result, Scored) for result in fresh.values()))
        self._metrics.cache_bytes.set(self._cache.used_bytes)
        return {**known, **fresh}


def _is_blank(request: RerankRequest) -> bool:
    """Whether there is nothing to compare passages with: what a model makes of that is noise."""
    return not request.query.strip()


def _missing_ids(request: RerankRequest) -> list[str]:
    return [] if _is_blank(request) else [c.id for c in request.candidates if c.passage is None]


def _filled(request: RerankRequest, found: _Found) -> _FetchedPassages:
    if _is_blank(request):
        return _FetchedPassages(request.candidates, "blank_query")
    ids = _missing_ids(request)
    if not ids:
        return _FetchedPassages(request.candidates)
    filled = tuple(
        replace(c, passage=found.passages.get(c.id)) if c.passage is None else c for c in request.candidates
    )
    is_incomplete = any(one not in found.passages for one in ids)
    return _FetchedPassages(filled, found.failure or ("missing_passages" if is_incomplete else None))


def _passages_to_read(request: RerankRequest, candidates: Sequence[Candidate]) -> list[str]:
    return [] if _is_blank(request) else [passage for c in candidates for passage in c.passages]


def _have_much_to_key(requests: Sequence[RerankRequest], fetched: Sequence[_FetchedPassages]) -> bool:
    chars = [
        len(passage)
        for request, some in zip(requests, fetched, strict=True)
        for passage in _passages_to_read(request, some.candidates)
    ]
    return len(chars) > _MANY_PASSAGES or sum(chars) > _MANY_CHARS


def _is_large(requests: Sequence[RerankRequest]) -> bool:
    return sum(request.documents for request in requests) > _MANY_PASSAGES


def _rankings(
    requests: Sequence[RerankRequest],
    fetched: Sequence[_FetchedPassages],
    pairs: Sequence[_Pairs],
    results: Mapping[bytes, PairResult],
) -> list[Ranking]:
    return [
        _ranking(request, passages, [[results.get(key) for key in keys] for keys in part.keys])
        for request, passages, part in zip(requests, fetched, pairs, strict=True)
    ]


def _ranking(
    request: RerankRequest, passages: _FetchedPassages, results_of_each: Sequence[Sequence[PairResult | None]]
) -> Ranking:
    bests = [_best(results) for results in results_of_each]
    results = [result for _, result in bests]
    _refuse_truncation(results)
    scored = [result if isinstance(result, Scored) else None for result in results]
    ordered = order(passages.candidates, scored, request.fusion)
    hits = tuple(replace(hit, best=bests[hit.index][0]) if bests[hit.index][0] else hit for hit in ordered)
    count = sum(hit.scored for hit in hits)
    outcome = Outcome.COMPLETE if count == len(hits) else Outcome.PARTIAL if count else Outcome.PASSTHROUGH
    return Ranking(
        hits=hits[: request.top_n],
        outcome=outcome,
        reason=None if outcome is Outcome.COMPLETE else _reason(passages, results),
        tokens=sum(
            result.tokens for results in results_of_each for result in results if isinstance(result, Scored)
        ),
        missing=passages.missing,
        truncated=sum(result.truncated for result in scored if result),
    )


def _best(results: Sequence[PairResult | None]) -> tuple[int, PairResult | None]:
    """The place and the result of a candidate's best passage; else what went wrong with one; but one that is refused goes first."""
    for place, result in enumerate(results):
        if isinstance(result, InputTooLong):
            return place, result
    read = [
        (result.logit, -place, result) for place, result in enumerate(results) if isinstance(result, Scored)
    ]
    if read:
        _, place, result = max(read, key=lambda one: one[:2])
        return -place, result
    return 0, next((result for result in results if result is not None), None)


def _refuse_truncation(results: Sequence[PairResult | None]) -> None:
    for index, result in enumerate(results):
        if isinstance(result, InputTooLong):
            raise InputTooLong(str(result), field=result.field or f"passages.{index}")


def _reason(passages: _FetchedPassages, results: Sequence[PairResult | None]) -> str:
    if any(isinstance(result, Exception) for result in results):
        return "engine_error"
    unreached = any(
        result is None and c.passage is not None
        for c, result in zip(passages.candidates, results, strict=True)
    )
    if passages.reason == "blank_query" or not unreached:
        return passages.reason or "missing_passages"
    return "deadline"
