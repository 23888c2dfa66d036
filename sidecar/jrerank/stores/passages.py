"""The passages that a request's candidates lack, from its store. A store that fails costs the new order, never a hit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jrerank.domain import Candidate, RerankRequest
from jrerank.errors import UnknownStore
from jrerank.stores.store import PassageStore
from jrerank.telemetry import Metrics, logger

_LOG = logger(__name__)
# Of a deadline's time, how much is left to the store: without a passage nothing can be scored
_STORE_SHARE = 0.5
_BLANK_QUERY = "blank_query"


@dataclass(frozen=True, slots=True)
class FetchedPassages:
    """The candidates with the passages that a store had, and why some are missing."""

    candidates: tuple[Candidate, ...]
    reason: str | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids of those that have none."""
        return tuple(candidate.id for candidate in self.candidates if candidate.passage is None)

    @property
    def to_read(self) -> list[tuple[str, ...]]:
        """The passages of each candidate that are worth reading: none where there is no query."""
        return [() if self.reason == _BLANK_QUERY else candidate.passages for candidate in self.candidates]


@dataclass(frozen=True, slots=True)
class _Reply:
    """What a store has of the passages that it was asked for, and why it has none."""

    passages: Mapping[str, str]
    failure: str | None = None


class Passages:
    """Asks the stores."""

    def __init__(self, stores: Mapping[str, PassageStore], metrics: Metrics) -> None:
        self._stores = stores
        self._metrics = metrics

    async def fetch(self, requests: Sequence[RerankRequest], deadline: float) -> list[FetchedPassages]:
        """The candidates of each request with their passages. Each store is asked once for what all together need of it.

        Raises:
            UnknownStore: no store has a request's name.
        """
        needed: dict[str, dict[str, None]] = {}
        for request in requests:
            if request.store is not None:
                self._check_known(request.store)
                needed.setdefault(request.store, {}).update(dict.fromkeys(_missing_ids(request)))
        replies: dict[str | None, _Reply] = {
            store: await self._reply(store, list(ids), deadline) for store, ids in needed.items() if ids
        }
        return [_filled(request, replies.get(request.store, _Reply({}))) for request in requests]

    def _check_known(self, store: str) -> None:
        if store not in self._stores:
            known = ", ".join(self._stores) or "none is configured"
            raise UnknownStore(f"there is no store {store!r} ({known})", field="store")

    async def _reply(self, store: str, ids: Sequence[str], deadline: float) -> _Reply:
        timeout_s = max(0.0, (deadline - time.monotonic()) * _STORE_SHARE)
        try:
            with self._metrics.stage_seconds.labels("store").time():
                async with asyncio.timeout(timeout_s):
                    return _Reply(await self._stores[store].fetch(ids, timeout_s))
        except TimeoutError:
            _LOG.warning("store_timeout", store=store, timeout_ms=round(timeout_s * 1000))
            return _Reply({}, "store_timeout")
        except Exception as error:  # noqa: BLE001  whatever a store raises, no hit is lost for it
            _LOG.warning("store_error", store=store, error=f"{type(error).__name__}: {error}")
            return _Reply({}, "store_error")


def _missing_ids(request: RerankRequest) -> list[str]:
    return [] if request.is_blank else [c.id for c in request.candidates if c.passage is None]


def _filled(request: RerankRequest, reply: _Reply) -> FetchedPassages:
    if request.is_blank:
        return FetchedPassages(request.candidates, _BLANK_QUERY)
    ids = _missing_ids(request)
    if not ids:
        return FetchedPassages(request.candidates)
    filled = tuple(
        replace(c, passage=reply.passages.get(c.id)) if c.passage is None else c for c in request.candidates
    )
    is_incomplete = any(one not in reply.passages for one in ids)
    return FetchedPassages(filled, reply.failure or ("missing_passages" if is_incomplete else None))
