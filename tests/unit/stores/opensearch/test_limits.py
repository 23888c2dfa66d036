"""What indexes can give, of an engine that doesn't always say."""

from __future__ import annotations

import asyncio
import math

from jrerank.stores.opensearch.limits import KnownLimits, LimitsAnswer
from jrerank.stores.search import IndexLimits

NARROW = IndexLimits(100, keeps_source=False)
ASSUMED = IndexLimits()
SILENCE = LimitsAnswer(None, math.inf)


class Engine:
    """Gives its answers one by one, each when `go` is set."""

    def __init__(self, *answers: LimitsAnswer) -> None:
        self._answers = list(answers)
        self.asked = 0
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, index: str) -> LimitsAnswer:
        self.asked += 1
        await self.go.wait()
        return self._answers.pop(0)


async def test_what_the_engine_said_outlives_its_silence() -> None:
    engine = Engine(LimitsAnswer(NARROW, -1), SILENCE)
    limits = KnownLimits(engine)
    assert [await limits.of("docs") for _ in range(4)] == [NARROW] * 4
    assert engine.asked == 2, "for a slow engine is not asked by each search"
    assert await KnownLimits(Engine(SILENCE)).of("docs") == ASSUMED


async def test_what_was_only_assumed_is_not_asked_for_anew_since_it_was_wrong() -> None:
    engine = Engine(SILENCE)
    limits = KnownLimits(engine)
    for _ in range(5):
        await limits.of("docs")
        limits.forget("docs")
    assert engine.asked == 1


async def test_searches_that_come_at_once_ask_once() -> None:
    engine = Engine(LimitsAnswer(NARROW, math.inf), LimitsAnswer(ASSUMED, math.inf))
    limits = KnownLimits(engine)
    engine.go.clear()
    asking = [asyncio.create_task(limits.of("docs,faq")) for _ in range(5)]
    other = asyncio.create_task(limits.of("faq"))
    await asyncio.sleep(0)
    assert engine.asked == 2, "other indexes do not wait"
    engine.go.set()
    assert await asyncio.gather(*asking) == [NARROW] * 5
    assert await other == ASSUMED
    assert engine.asked == 2


async def test_who_asks_and_leaves_lets_the_next_one_ask() -> None:
    engine = Engine(LimitsAnswer(NARROW, math.inf))
    limits = KnownLimits(engine)
    engine.go.clear()
    first, second = (asyncio.create_task(limits.of("docs")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    engine.go.set()
    assert await second == NARROW
    assert engine.asked == 2
