"""Which pairs run next. The engine here is a real object with a gate: a test decides when a run may end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from builders import pair, window
from jrerank.domain import Scored, Window
from jrerank.engines.engine import BatchLimit
from jrerank.errors import EngineError, Overloaded, Unavailable
from jrerank.scheduler import Scheduler
from jrerank.telemetry import Metrics

ONE = BatchLimit(windows=1, tokens=0)


class GatedEngine:
    """Notes what it runs, in order; each run waits for a permit. A pair's logit is its first token."""

    name = "gated"

    def __init__(self, workers: int = 1, limit: BatchLimit = ONE, *, is_open: bool = True) -> None:
        self.workers = workers
        self.batch_limit = limit
        self.ran: list[list[int]] = []
        self.runs = 0
        self._permits = threading.Semaphore(1_000_000 if is_open else 0)

    def permit(self, runs: int) -> None:
        self._permits.release(runs)

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        self._permits.acquire()
        self.runs += 1
        ran = [list(window.ids) for window in windows]
        self.ran += ran
        return [EngineError("broken") if ids[0] == 666 else float(ids[0]) for ids in ran]


@asynccontextmanager
async def running(engine: GatedEngine, max_queued_tokens: int = 10**9) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(engine, Metrics(), max_queued_tokens, lambda key, scored: None)
    scheduler.start()
    try:
        yield scheduler
    finally:
        engine.permit(10_000)
        await asyncio.to_thread(scheduler.close)


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


async def test_every_pair_is_scored_in_the_order_asked() -> None:
    engine = GatedEngine()
    async with running(engine) as scheduler:
        said = await scheduler.score([pair(str(i), (i, 2)) for i in range(20)], soon())
    assert said == [Scored(float(i), 2) for i in range(20)]
    assert [ids[0] for ids in engine.ran] == list(range(20))


async def test_nothing_to_score_is_scored_at_once() -> None:
    async with running(GatedEngine()) as scheduler:
        assert await scheduler.score([], soon()) == []


async def test_a_deadline_cuts_off_the_tail_and_nothing_of_it_runs_later() -> None:
    engine = GatedEngine(is_open=False)
    async with running(engine) as scheduler:
        asking = asyncio.create_task(scheduler.score([pair(str(i), (i, 2)) for i in range(100)], soon(0.3)))
        await asyncio.sleep(0.05)
        engine.permit(3)
        said = await asking
        assert said[:3] == [Scored(float(i), 2) for i in range(3)]
        assert said[3:] == [None] * 97
        engine.permit(1000)
        await asyncio.sleep(0.05)
        assert engine.runs <= 4


async def test_a_small_request_is_not_held_up_by_a_big_one() -> None:
    engine = GatedEngine(is_open=False)
    async with running(engine) as scheduler:
        big = asyncio.create_task(
            scheduler.score([pair(f"big{i}", (9,) * 200) for i in range(1000)], soon(), "a")
        )
        await asyncio.sleep(0.05)
        engine.permit(10)
        await asyncio.sleep(0.05)
        small = asyncio.create_task(
            scheduler.score([pair(f"small{i}", (1,) * 200) for i in range(5)], soon(60), "b")
        )
        await asyncio.sleep(0.05)
        engine.permit(7)
        await asyncio.wait_for(small, 5)
        assert not big.done()
        big.cancel()


async def test_a_cancelled_request_leaves_nothing_in_the_queue() -> None:
    engine = GatedEngine(is_open=False)
    async with running(engine) as scheduler:
        gone = asyncio.create_task(scheduler.score([pair(f"gone{i}", (6, 6)) for i in range(100)], soon()))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        engine.permit(10_000)
        assert await scheduler.score([pair("x", (5, 5))], soon()) == [Scored(5.0, 2)]
    assert sum(ids == [6, 6] for ids in engine.ran) <= 1


async def test_equal_pairs_that_are_asked_at_once_run_once() -> None:
    engine = GatedEngine(is_open=False)
    async with running(engine) as scheduler:
        asking = [asyncio.create_task(scheduler.score([pair("same", (7, 7))] * 2, soon())) for _ in range(5)]
        await asyncio.sleep(0.05)
        engine.permit(100)
        answers = await asyncio.gather(*asking)
    assert answers == [[Scored(7.0, 2)] * 2] * 5
    assert engine.runs == 1


async def test_a_pair_survives_the_cancellation_of_the_first_who_asked() -> None:
    engine = GatedEngine(is_open=False)
    pairs = [pair("first", (1, 1)), pair("shared", (7, 7))]
    async with running(engine) as scheduler:
        first = asyncio.create_task(scheduler.score(pairs, soon()))
        second = asyncio.create_task(scheduler.score(pairs[1:], soon()))
        await asyncio.sleep(0.05)
        first.cancel()
        engine.permit(100)
        assert await asyncio.wait_for(second, 5) == [Scored(7.0, 2)]


async def test_a_failed_run_fails_its_pairs_and_nothing_else() -> None:
    async with running(GatedEngine()) as scheduler:
        good, bad = await scheduler.score([pair("good", (1, 1)), pair("bad", (666, 1))], soon())
        assert good == Scored(1.0, 2)
        assert isinstance(bad, EngineError)
        assert await scheduler.score([pair("after", (3, 3))], soon()) == [Scored(3.0, 2)]


async def test_beyond_the_queue_limit_requests_are_refused_at_once() -> None:
    engine = GatedEngine(is_open=False)
    async with running(engine, max_queued_tokens=100) as scheduler:
        first = asyncio.create_task(scheduler.score([pair(f"a{i}", (1,) * 50) for i in range(3)], soon()))
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded) as caught:
            await scheduler.score([pair("b", (1,) * 50)], soon())
        assert caught.value.retry_after_s > 0
        first.cancel()


async def test_what_cannot_get_one_score_by_its_deadline_is_refused_at_once() -> None:
    engine = GatedEngine(is_open=False)
    async with running(engine) as scheduler:
        waiting = [
            asyncio.create_task(scheduler.score([pair(f"{i}", (1,) * 400)], soon(), str(i)))
            for i in range(40)
        ]
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded):
            await scheduler.score([pair("late", (1, 1))], soon(0.5))
        for task in waiting:
            task.cancel()


async def test_a_long_passage_counts_with_its_best_window() -> None:
    async with running(GatedEngine()) as scheduler:
        long = pair("long")
        windows = type(long)(long.key, 10, 512, lambda: [window(ids) for ids in ((1, 1), (8, 8, 8), (3, 3))])
        assert await scheduler.score([windows], soon()) == [Scored(8.0, 7)]


async def test_an_engine_that_packs_gets_full_runs() -> None:
    engine = GatedEngine(limit=BatchLimit(windows=8, tokens=10**6), is_open=False)
    async with running(engine) as scheduler:
        asking = asyncio.create_task(scheduler.score([pair(str(i), (i, 2)) for i in range(16)], soon()))
        await asyncio.sleep(0.05)
        engine.permit(100)
        await asking
    assert engine.runs == 2


async def test_when_it_is_cut_off_everybody_gets_what_there_is() -> None:
    engine = GatedEngine(is_open=False)
    async with running(engine) as scheduler:
        asking = asyncio.create_task(scheduler.score([pair(str(i), (i, 2)) for i in range(9)], soon()))
        await asyncio.sleep(0.05)
        engine.permit(2)
        await asyncio.sleep(0.05)
        scheduler.cut_off()
        said = await asyncio.wait_for(asking, 5)
    assert said[:2] == [Scored(0.0, 2), Scored(1.0, 2)]
    assert said[2:] == [None] * 7


async def test_a_deadline_that_is_over_is_no_overload_where_nobody_is_ahead() -> None:
    async with running(GatedEngine()) as scheduler:
        assert len(await scheduler.score([pair("a", (1, 2))], soon(-1))) == 1


async def test_a_closed_scheduler_refuses() -> None:
    engine = GatedEngine()
    async with running(engine) as scheduler:
        pass
    with pytest.raises(Unavailable):
        await scheduler.score([pair("x")], soon())


async def test_who_needs_most_is_not_starved_by_those_who_keep_coming() -> None:
    engine = GatedEngine(is_open=False)
    async with running(engine) as scheduler:
        longest = asyncio.create_task(
            scheduler.score([pair("first", (1,) * 400), pair("last", (1, 1))], soon())
        )
        await asyncio.sleep(0.05)
        newcomers = []
        for number in range(150):  # two more than are served, so that the engine never runs out of them
            two = [pair(f"{number} {i}", (2, 2)) for i in range(2)]
            newcomers.append(asyncio.create_task(scheduler.score(two, soon())))
            if number > 1:
                engine.permit(2)
            await asyncio.sleep(0.02)
            if longest.done():
                break
        assert longest.done()
        assert not newcomers[-1].done()
        for newcomer in newcomers:
            newcomer.cancel()
