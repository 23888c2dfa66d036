"""What indexes can give, asked of the engine now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass

from jrerank.stores.search import IndexLimits

_MAX_INDEXES = 1_000  # callers choose among the indexes as they like
_QUESTIONS_AT_ONCE = 4  # whose replies count as nobody's memory
# Those in line among them: callers name sets of indexes as they like, and a slow engine takes seconds for each
MAX_QUESTIONS = 16


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


@dataclass(slots=True)
class _Question:
    """One to the engine, and how many searches wait for its answer."""

    task: asyncio.Task[None]
    waiting: int = 0
    is_asked: bool = False


class KnownLimits:
    """Of each set of indexes, by `ask`: one question at a time, for which other searches of the same indexes wait.

    Where the engine says nothing, what it said before stays. Few questions are open at once: a search that finds too many of them
    waits for none, and one that stands in line goes with the last search that waits for it.
    """

    def __init__(self, ask: Callable[[str], Awaitable[LimitsAnswer]]) -> None:
        self._ask = ask
        self._known: dict[frozenset[str], _Known] = {}
        self._questions: dict[frozenset[str], _Question] = {}
        self._turn = asyncio.Semaphore(_QUESTIONS_AT_ONCE)

    async def of(self, index: str, timeout_s: float) -> IndexLimits:
        """Those of a comma-separated list of indexes; the defaults where the engine never said.

        Where the engine takes longer than `timeout_s`, later searches have its answer.
        """
        indexes = frozenset(index.split(","))
        if self._fresh(indexes) is None:
            question = self._questions.get(indexes) or self._begin(index, indexes)
            if question is not None:
                await self._wait(question, indexes, timeout_s)
        known = self._known.get(indexes)
        return known.limits if known else IndexLimits()

    async def close(self) -> None:
        """Let go of what is still asked."""
        tasks = [question.task for question in self._questions.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, index: str, indexes: frozenset[str]) -> _Question | None:
        """In a context of its own: it goes on when the search that began it is over. None where too many are open."""
        if len(self._questions) >= MAX_QUESTIONS:
            return None
        question = _Question(asyncio.create_task(self._put_answer(index, indexes), context=Context()))
        self._questions[indexes] = question
        question.task.add_done_callback(lambda _: self._drop(question, indexes))
        return question

    async def _wait(self, question: _Question, indexes: frozenset[str], timeout_s: float) -> None:
        question.waiting += 1
        try:
            await asyncio.wait([question.task], timeout=timeout_s)
        finally:
            question.waiting -= 1
            if question.waiting == 0 and not question.is_asked:
                self._drop(question, indexes)
                question.task.cancel()

    def _drop(self, question: _Question, indexes: frozenset[str]) -> None:
        """The next search of these indexes may have begun another meanwhile."""
        if self._questions.get(indexes) is question:
            del self._questions[indexes]

    async def _put_answer(self, index: str, indexes: frozenset[str]) -> None:
        async with self._turn:
            self._questions[indexes].is_asked = True
            self._put(indexes, await self._ask(index))

    def forget(self, index: str) -> None:
        """Ask anew next time, unless the engine did not say."""
        indexes = frozenset(index.split(","))
        known = self._known.get(indexes)
        if known is not None and not known.is_assumed:
            del self._known[indexes]

    def _fresh(self, indexes: frozenset[str]) -> _Known | None:
        known = self._known.get(indexes)
        return known if known is not None and time.monotonic() < known.until else None

    def _put(self, indexes: frozenset[str], answer: LimitsAnswer) -> None:
        before = self._known.get(indexes)
        limits = answer.limits or (before.limits if before else IndexLimits())
        self._known.pop(indexes, None)
        if len(self._known) >= _MAX_INDEXES:
            del self._known[next(iter(self._known))]
        self._known[indexes] = _Known(limits, time.monotonic() + answer.age_s, answer.limits is None)
