"""What indexes can give, of an engine that doesn't always say."""

from __future__ import annotations

import asyncio
import math

from jrerank.stores.opensearch.limits import KnownLimits, LimitsAnswer
from jrerank.stores.search import IndexLimits

NARROW = IndexLimits(100, keeps_source=False)
ASSUMED = IndexLimits()
SILENCE = LimitsAnswer(None, math.inf)
PATIENCE_S = 10.0


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


async def begun() -> None:
    """All that was started is as far as it gets without more."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_the_engine_said_outlives_its_silence() -> None:
    engine = Engine(LimitsAnswer(NARROW, -1), SILENCE)
    limits = KnownLimits(engine)
    assert [await limits.of("docs", PATIENCE_S) for _ in range(4)] == [NARROW] * 4
    assert engine.asked == 2, "for a slow engine is not asked by each search"
    assert await KnownLimits(Engine(SILENCE)).of("docs", PATIENCE_S) == ASSUMED


async def test_what_was_only_assumed_is_not_asked_for_anew_since_it_was_wrong() -> None:
    engine = Engine(SILENCE)
    limits = KnownLimits(engine)
    for _ in range(5):
        await limits.of("docs", PATIENCE_S)
        limits.forget("docs")
    assert engine.asked == 1


async def test_searches_that_come_at_once_ask_once() -> None:
    engine = Engine(LimitsAnswer(NARROW, math.inf), LimitsAnswer(ASSUMED, math.inf))
    limits = KnownLimits(engine)
    engine.go.clear()
    asking = [asyncio.create_task(limits.of("docs,faq", PATIENCE_S)) for _ in range(5)]
    other = asyncio.create_task(limits.of("faq", PATIENCE_S))
    await begun()
    assert engine.asked == 2, "other indexes do not wait"
    engine.go.set()
    assert await asyncio.gather(*asking) == [NARROW] * 5
    assert await other == ASSUMED
    assert engine.asked == 2


async def test_who_asks_and_leaves_costs_the_others_nothing() -> None:
    engine = Engine(LimitsAnswer(NARROW, math.inf))
    limits = KnownLimits(engine)
    engine.go.clear()
    first, second = (asyncio.create_task(limits.of("docs", PATIENCE_S)) for _ in range(2))
    await begun()
    first.cancel()
    await begun()
    engine.go.set()
    assert await second == NARROW
    assert engine.asked == 1


async def test_who_has_no_time_does_not_wait_and_later_searches_have_the_answer() -> None:
    engine = Engine(LimitsAnswer(NARROW, -1), LimitsAnswer(ASSUMED, math.inf))
    limits = KnownLimits(engine)
    engine.go.clear()
    assert [await limits.of("docs", 0) for _ in range(3)] == [ASSUMED] * 3
    engine.go.set()
    assert await limits.of("docs", PATIENCE_S) == NARROW
    engine.go.clear()
    assert await limits.of("docs", 0) == NARROW, (
        "for what the engine said before is likelier than the defaults"
    )
    assert engine.asked == 2
    engine.go.set()
    assert await limits.of("docs", PATIENCE_S) == ASSUMED


async def test_the_engine_is_asked_about_few_sets_of_indexes_at_once() -> None:
    engine = Engine(*[SILENCE] * 9)
    limits = KnownLimits(engine)
    engine.go.clear()
    waiting = [asyncio.create_task(limits.of(f"docs-{number}", PATIENCE_S)) for number in range(9)]
    await begun()
    assert engine.asked == 4
    engine.go.set()
    assert await asyncio.gather(*waiting) == [ASSUMED] * 9
    assert engine.asked == 9


async def test_what_nobody_waits_for_any_more_leaves_the_line() -> None:
    engine = Engine(*[LimitsAnswer(NARROW, math.inf)] * 6)
    limits = KnownLimits(engine)
    engine.go.clear()
    assert [await limits.of(f"docs-{number}", 0) for number in range(9)] == [ASSUMED] * 9
    stays, leaves = (asyncio.create_task(limits.of("faq", PATIENCE_S)) for _ in range(2))
    await begun()
    leaves.cancel()
    await begun()
    assert len(asyncio.all_tasks()) == 1 + 4 + 2, (
        "this one, those that the engine was asked, a search and its own"
    )
    engine.go.set()
    assert await stays == NARROW
    assert engine.asked == 5
    assert await limits.of("docs-8", PATIENCE_S) == NARROW, "a later search asks anew"
    assert engine.asked == 6


async def test_who_comes_as_the_line_is_left_asks_anew() -> None:
    engine = Engine(*[LimitsAnswer(NARROW, math.inf)] * 5)
    limits = KnownLimits(engine)
    engine.go.clear()
    for number in range(4):
        await limits.of(f"docs-{number}", 0)
    first = asyncio.create_task(limits.of("faq", PATIENCE_S))
    await begun()
    first.cancel()
    await asyncio.sleep(0)
    second = asyncio.create_task(limits.of("faq", PATIENCE_S))
    await begun()
    engine.go.set()
    assert await second == NARROW


async def test_a_caller_with_any_number_of_index_forms_makes_no_line_for_others() -> None:
    engine = Engine(*[LimitsAnswer(NARROW, -1)] * 17)
    limits = KnownLimits(engine)
    assert await limits.of("docs", PATIENCE_S) == NARROW
    engine.go.clear()
    forms = [asyncio.create_task(limits.of(f"*,x{number}", PATIENCE_S)) for number in range(1_000)]
    await begun()
    assert sum(form.done() for form in forms) == 1_000 - 16, "which assume the defaults at once"
    assert len(asyncio.all_tasks()) == 1 + 16 + 16
    assert await limits.of("faq", math.inf) == ASSUMED
    assert await limits.of("docs", math.inf) == NARROW, "for it was said before"
    engine.go.set()
    assert [await form for form in forms] == [NARROW] * 16 + [ASSUMED] * (1_000 - 16)
    assert engine.asked == 17


async def test_forms_beyond_those_that_are_kept_push_out_the_oldest() -> None:
    engine = Engine(LimitsAnswer(NARROW, -1), *[SILENCE] * 999, LimitsAnswer(NARROW, math.inf), SILENCE)
    limits = KnownLimits(engine)
    for index in ("docs", *(f"*,x{number}" for number in range(999)), "docs", "*,y"):
        await limits.of(index, PATIENCE_S)
    assert await limits.of("docs", PATIENCE_S) == NARROW
    assert engine.asked == 1_002


async def test_nothing_is_left_when_it_is_closed() -> None:
    engine = Engine(SILENCE)
    limits = KnownLimits(engine)
    engine.go.clear()
    await limits.of("docs", 0)
    await limits.close()
    assert len(asyncio.all_tasks()) == 1
