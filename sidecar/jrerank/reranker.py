"""The one way through: every door calls `Reranker.rerank`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jrerank.cache import ScoreCache
from jrerank.domain import Candidate, Outcome, Pair, Ranking, RerankRequest, Scored
from jrerank.encoding import Encoder, Reading
from jrerank.errors import UnknownStore
from jrerank.ordering import check_fusion, order
from jrerank.scheduler import Said, Scheduler
from jrerank.stores.store import PassageStore
from jrerank.telemetry import Metrics, logger

_LOG = logger(__name__)
# Of a deadline's time, how much is left to the store: without a passage nothing can be scored
_STORE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class _Texts:
    """The candidates with the passages a store had, and why some are missing."""

    candidates: tuple[Candidate, ...]
    reason: str | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(candidate.id for candidate in self.candidates if candidate.passage is None)


class Reranker:
    """Takes a request through store, encoding, cache, scheduler and ordering."""

    def __init__(
        self,
        encoder: Encoder,
        cache: ScoreCache,
        scheduler: Scheduler,
        stores: Mapping[str, PassageStore],
        metrics: Metrics,
        default_timeout_s: float,
    ) -> None:
        self._encoder = encoder
        self._cache = cache
        self._scheduler = scheduler
        self._stores = stores
        self._metrics = metrics
        self._default_timeout_s = default_timeout_s

    async def rerank(self, request: RerankRequest) -> Ranking:
        """The candidates in their new order. A store or an engine that fails costs the new order, never a hit.

        Raises:
            InvalidInput: the request makes no sense; `field` says where.
            InputTooLong: a pair does not fit, and the request refuses truncation.
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
        latest = time.monotonic() + self._default_timeout_s
        deadline = min((request.deadline or latest for request in requests), default=latest)
        texts, pairs = [], []
        for request in requests:
            check_fusion(request.candidates, request.fusion)
            texts.append(await self._with_passages(request, deadline))
            pairs.append(await self._pairs(request, texts[-1].candidates))
        caller = requests[0].caller if requests else ""
        said = iter(await self._said([pair for part in pairs for pair in part], deadline, caller))
        return [
            _ranking(request, found, [next(said) for _ in request.candidates])
            for request, found in zip(requests, texts, strict=True)
        ]

    async def _with_passages(self, request: RerankRequest, deadline: float) -> _Texts:
        wanted = list(dict.fromkeys(c.id for c in request.candidates if c.passage is None))
        if request.store is not None and request.store not in self._stores:
            known = ", ".join(self._stores) or "none is configured"
            raise UnknownStore(f"there is no store {request.store!r} ({known})", field="store")
        if not wanted or request.store is None:
            return _Texts(request.candidates, "missing_passages" if wanted else None)
        try:
            timeout_s = max(0.0, (deadline - time.monotonic()) * _STORE_SHARE)
            async with asyncio.timeout(timeout_s):
                passages = await self._stores[request.store].fetch(wanted, timeout_s)
        except TimeoutError:
            _LOG.warning("store_timeout", store=request.store, timeout_ms=round(timeout_s * 1000))
            return _Texts(request.candidates, "store_timeout")
        except Exception as error:  # noqa: BLE001  whatever a store raises, no hit is lost for it
            _LOG.warning("store_error", store=request.store, error=f"{type(error).__name__}: {error}")
            return _Texts(request.candidates, "store_error")
        filled = tuple(
            replace(c, passage=passages.get(c.id)) if c.passage is None else c for c in request.candidates
        )
        return _Texts(filled, "missing_passages" if len(passages) < len(wanted) else None)

    async def _pairs(self, request: RerankRequest, candidates: Sequence[Candidate]) -> list[Pair | None]:
        passages = [c.passage for c in candidates if c.passage is not None]
        reading = Reading(request.max_tokens_per_doc, request.truncation)
        if request.truncation == "refuse":  # has to tokenize everything, which would hold up the event loop
            made = iter(await asyncio.to_thread(self._encoder.encode, request.query, passages, reading))
        else:
            made = iter(self._encoder.encode(request.query, passages, reading))
        return [None if c.passage is None else next(made) for c in candidates]

    async def _said(self, pairs: Sequence[Pair | None], deadline: float, caller: str) -> list[Said | None]:
        known = {pair.key: scored for pair in pairs if pair and (scored := self._cache.get(pair.key))}
        rest = [pair for pair in pairs if pair and pair.key not in known]
        fresh = dict(
            zip((pair.key for pair in rest), await self._scheduler.score(rest, deadline, caller), strict=True)
        )
        self._metrics.pairs.labels("cached").inc(len(known))
        self._metrics.pairs.labels("scored").inc(sum(isinstance(one, Scored) for one in fresh.values()))
        self._metrics.cache_bytes.set(self._cache.used_bytes)
        said: dict[bytes, Said | None] = {**known, **fresh}
        return [said.get(pair.key) if pair else None for pair in pairs]


def _ranking(request: RerankRequest, texts: _Texts, said: Sequence[Said | None]) -> Ranking:
    hits = order(texts.candidates, [one if isinstance(one, Scored) else None for one in said], request.fusion)
    scored = sum(hit.scored for hit in hits)
    outcome = Outcome.COMPLETE if scored == len(hits) else Outcome.PARTIAL if scored else Outcome.PASSTHROUGH
    return Ranking(
        hits=hits[: request.top_n],
        outcome=outcome,
        reason=None if outcome is Outcome.COMPLETE else _reason(texts, said),
        tokens=sum(one.tokens for one in said if isinstance(one, Scored)),
        missing=texts.missing,
    )


def _reason(texts: _Texts, said: Sequence[Said | None]) -> str:
    if any(isinstance(one, Exception) for one in said):
        return "engine_error"
    unreached = any(
        one is None and c.passage is not None for c, one in zip(texts.candidates, said, strict=True)
    )
    return "deadline" if unreached else texts.reason or "missing_passages"
