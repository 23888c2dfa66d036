"""What indexes can give, asked of the engine now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from jrerank.stores.search import IndexLimits

_MAX_INDEXES = 1_000  # callers choose among the indexes as they like


@dataclass(frozen=True, slots=True)
class LimitsAnswer:
    """What the engine said, None where it said nothing, and for how long it is not asked again."""

    limits: IndexLimits | None
    age_s: float


@dataclass(frozen=True, slots=True)
class _Known:
    limits: IndexLimits
    until: float
    is_assumed: bool


class KnownLimits:
    """Of each set of indexes, by `ask`: one question at a time, for which other searches of the same indexes wait.

    Where the engine says nothing, what it said before stays.
    """

    def __init__(self, ask: Callable[[str], Awaitable[LimitsAnswer]]) -> None:
        self._ask = ask
        self._known: dict[frozenset[str], _Known] = {}
        self._questions: WeakValueDictionary[frozenset[str], asyncio.Lock] = WeakValueDictionary()

    async def of(self, index: str) -> IndexLimits:
        """Those of a comma-separated list of indexes; the defaults where the engine never said."""
        indexes = frozenset(index.split(","))
        if known := self._fresh(indexes):
            return known.limits
        async with self._questions.setdefault(indexes, asyncio.Lock()):
            known = self._fresh(indexes) or self._put(indexes, await self._ask(index))
            return known.limits

    def forget(self, index: str) -> None:
        """Ask anew next time, unless the engine did not say."""
        indexes = frozenset(index.split(","))
        known = self._known.get(indexes)
        if known is not None and not known.is_assumed:
            del self._known[indexes]

    def _fresh(self, indexes: frozenset[str]) -> _Known | None:
        known = self._known.get(indexes)
        return known if known is not None and time.monotonic() < known.until else None

    def _put(self, indexes: frozenset[str], answer: LimitsAnswer) -> _Known:
        before = self._known.get(indexes)
        limits = answer.limits or (before.limits if before else IndexLimits())
        if len(self._known) >= _MAX_INDEXES:
            self._known.clear()
        known = _Known(limits, time.monotonic() + answer.age_s, answer.limits is None)
        self._known[indexes] = known
        return known
