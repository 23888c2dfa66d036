"""Requests, threads and an engine with a gate: a test decides when a batch may end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count, groupby
from pathlib import Path
from typing import Any

import pytest

from builders import tiny_config, write_checkpoint
from engines import SKY, GatedEngine
from jrerank.cache import ScoreCache
from jrerank.domain import PairResult, Scored, Window
from jrerank.engines.engine import BatchLimit
from jrerank.errors import EngineError, InputTooLong, Overloaded, Unavailable
from jrerank.large_work import LargeWork
from jrerank.models.checkpoint import load_checkpoint
from jrerank.scheduling.keys import KeyedPairs, keyed
from jrerank.scheduling.model import ScoringModel, SecondModel
from jrerank.scheduling.scheduler import Scheduler
from jrerank.scheduling.texts import FIRST, PairText, QueryPassages
from jrerank.scheduling.throughput import Throughput
from jrerank.scheduling.work import Completed, PairWork, Ticket
from jrerank.telemetry import Metrics
from jrerank.tokenization.windows import LongReader, Reading, Tokenization

WHOLE = Reading()


@asynccontextmanager
async def running(
    engine: GatedEngine,
    tokenization: Tokenization,
    max_queued_tokens: int = 10**9,
    cache: ScoreCache | None = None,
    second: SecondModel | None = None,
) -> AsyncIterator[Scheduler]:
    throughput = Throughput(engine.workers)
    scheduler = Scheduler(
        engine,
        tokenization,
        throughput,
        Metrics(),
        max_queued_tokens,
        ScoreCache(0) if cache is None else cache,
        LargeWork(),
        second,
    )
    scheduler.start()
    try:
        yield scheduler
    finally:
        engine.permit()
        await scheduler.close()


class Ask:
    """Makes pairs: a passage says 空 so many times, and that is its logit."""

    def __init__(self, tokenization: Tokenization) -> None:
        self._tokenization = tokenization

    def __call__(self, *skies: int, query: str = "今日", reading: Reading = WHOLE) -> dict[bytes, PairText]:
        return self.texts(*("空" * count for count in skies), query=query, reading=reading)

    def texts(self, *passages: str, query: str = "今日", reading: Reading = WHOLE) -> dict[bytes, PairText]:
        return dict(keyed(self._tokenization, [QueryPassages(query, passages, reading)]).texts)


@pytest.fixture
def ask(tokenization: Tokenization) -> Ask:
    return Ask(tokenization)


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


async def begun(engine: GatedEngine) -> None:
    """Wait until a batch waits at the gate."""
    assert await asyncio.to_thread(engine.started.acquire, timeout=10)


async def all_is_read(scheduler: Scheduler, pairs: int) -> None:
    """Wait until so many pairs have come in and those that don't run are ready to."""
    queue = scheduler._workers._queue
    for _ in range(5_000):
        if queue.open_pairs >= pairs and queue.ready_tokens == queue.waiting_tokens:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("the tokenizer has stopped")


async def test_every_pair_is_scored_in_first_stage_order(ask: Ask, tokenization: Tokenization) -> None:
    engine = GatedEngine(is_open=True)
    async with running(engine, tokenization) as scheduler:
        results = await scheduler.score_pairs(ask(3, 1, 2), soon())
        assert [result.logit for result in results.values() if isinstance(result, Scored)] == [3.0, 1.0, 2.0]
        assert engine.skies == [3, 1, 2]
        assert await scheduler.score_pairs({}, soon()) == {}


async def test_the_event_loop_is_woken_up_for_the_last_score_only(
    monkeypatch: pytest.MonkeyPatch, ask: Ask, tokenization: Tokenization
) -> None:
    """Each wake-up stops a worker where cores are few."""
    engine, woken = GatedEngine(is_open=True, limit=BatchLimit(1, 10_000)), 0
    loop = asyncio.get_running_loop()
    wake_up = loop.call_soon_threadsafe

    def counted(*arguments: Any, **named: Any) -> asyncio.Handle:
        nonlocal woken
        woken += 1
        return wake_up(*arguments, **named)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    async with running(engine, tokenization) as scheduler:
        assert len(await scheduler.score_pairs(ask(*range(1, 21)), soon())) == 20
        assert woken == 1


async def test_a_deadline_cuts_off_the_tail_and_nothing_of_it_runs_later(
    ask: Ask, tokenization: Tokenization
) -> None:
    engine = GatedEngine()
    async with running(engine, tokenization) as scheduler:
        scoring = asyncio.create_task(scheduler.score_pairs(ask(*range(1, 30)), soon(0.5)))
        engine.permit(3)
        results = await scoring
        assert [result.logit for result in results.values() if isinstance(result, Scored)] == [1.0, 2.0, 3.0]
        engine.permit()
        other = await scheduler.score_pairs(ask(1, query="天気"), soon())
    assert len(other) == 1
    assert engine.runs <= 3 + 1 + 1


async def test_a_cancelled_request_leaves_nothing_in_the_queue(ask: Ask, tokenization: Tokenization) -> None:
    engine = GatedEngine()
    async with running(engine, tokenization) as scheduler:
        gone = asyncio.create_task(scheduler.score_pairs(ask(*range(1, 30)), soon()))
        await begun(engine)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        engine.permit()
        await scheduler.score_pairs(ask(1, query="天気"), soon())
    assert engine.runs == 2


async def test_a_batch_is_full_and_a_culprit_fails_alone(ask: Ask, tokenization: Tokenization) -> None:
    engine = GatedEngine(limit=BatchLimit(windows=8, tokens=10**6))
    async with running(engine, tokenization) as scheduler:
        first = asyncio.create_task(scheduler.score_pairs(ask(1, query="天気"), soon()))
        await begun(engine)
        passages = [*("空" * count for count in range(1, 8)), "富士山"]
        scoring = asyncio.create_task(scheduler.score_pairs(ask.texts(*passages), soon()))
        await asyncio.sleep(0.2)  # for the tokenizer
        engine.permit()
        await first
        *good, bad = (await scoring).values()
    assert all(isinstance(result, Scored) for result in good)
    assert isinstance(bad, EngineError)
    assert len(engine.batches[1]) == 8


async def test_scores_that_came_too_late_for_their_request_are_known_to_the_next(
    ask: Ask, tokenization: Tokenization
) -> None:
    engine, cache, late = GatedEngine(), ScoreCache(10**6), ask(5)
    async with running(engine, tokenization, cache=cache) as scheduler:
        assert await scheduler.score_pairs(late, soon(0.2)) == {}
        engine.permit()
        await scheduler.close()
        await asyncio.sleep(0)
        (scored,) = cache.known(late).values()
    assert scored.logit == 5.0


async def test_what_it_remembers_is_made_anew_to_its_last_entry(tokenization: Tokenization) -> None:
    cache = ScoreCache(10**6)
    for number in range(1_000):
        cache.put(number.to_bytes(16, "big"), Scored(float(number), 5))
    async with running(GatedEngine(), tokenization, cache=cache) as scheduler:
        await scheduler.compact()
    assert not cache.compact(0), "nothing is left to do"
    assert len(cache) == 1_000


def queries(*passages: str, query: str = "今日") -> list[QueryPassages]:
    return [QueryPassages(query, passages, WHOLE)]


def logits(results: Sequence[PairResult | None]) -> list[float | None]:
    return [result.logit if isinstance(result, Scored) else None for result in results]


async def test_every_passage_has_its_result_in_its_place(tokenization: Tokenization) -> None:
    engine = GatedEngine(is_open=True)
    asked = [*queries("空", "空空", "空"), *queries("空空", query="天気"), *queries()]
    async with running(engine, tokenization, cache=ScoreCache(10**6)) as scheduler:
        first, second, third = await scheduler.score(asked, soon())
        assert (logits(first), logits(second), third) == ([1.0, 2.0, 1.0], [2.0], [])
        assert await scheduler.score(asked, soon()) == [first, second, third]
    assert engine.runs == 3


@pytest.mark.parametrize("is_known", ["cached", "waited for", "new"])
async def test_many_pairs_are_refused_before_they_have_keys_unless_their_scores_are_known(
    is_known: str, tokenization: Tokenization, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, cache, keys = GatedEngine(), ScoreCache(10**6), 0

    def counted(
        tokenization: Tokenization, queries: Sequence[QueryPassages], model: int = FIRST
    ) -> KeyedPairs:
        nonlocal keys
        keys += sum(len(query.passages) for query in queries)
        return keyed(tokenization, queries, model)

    many = ["空" * count for count in range(1, 41)]
    async with running(engine, tokenization, max_queued_tokens=800, cache=cache) as scheduler:
        other = queries(*many, query="今日" if is_known == "waited for" else "天気")
        waiting = asyncio.create_task(scheduler.score(other, soon()))
        await begun(engine)
        if is_known == "cached":
            for key in keyed(tokenization, queries(*many)).texts:
                cache.put(key, Scored(1.0, 3))
        monkeypatch.setattr("jrerank.scheduling.scheduler.keyed", counted)
        if is_known == "new":
            with pytest.raises(Overloaded):
                await scheduler.score(queries(*many), soon())
        else:
            await scheduler.score(queries(*many), soon(0.5))
        waiting.cancel()
    assert keys == (5 if is_known == "new" else 5 + len(many))


@pytest.mark.parametrize("new", [range(3), range(5, 8), range(97, 100)], ids=["in front", "inside", "last"])
@pytest.mark.parametrize("halves", [1, 2])
async def test_a_few_new_pairs_among_known_ones_are_let_in_wherever_they_stand(
    halves: int, new: range, tokenization: Tokenization
) -> None:
    engine, cache = GatedEngine(), ScoreCache(10**6)
    passages = ["空" * (1 + place) for place in range(100)]
    size = 100 // halves
    asked = [
        QueryPassages(f"{half}", passages[half * size : (half + 1) * size], WHOLE) for half in range(halves)
    ]
    for place, key in enumerate(keyed(tokenization, asked).texts):
        if place not in new:
            cache.put(key, Scored(1.0, 3))
    async with running(engine, tokenization, max_queued_tokens=2_000, cache=cache) as scheduler:
        waiting = asyncio.create_task(scheduler.score(queries(*["海" * 50] * 19, query="天気"), soon()))
        await begun(engine)
        results = await scheduler.score([*queries(), *asked], soon(0.2))
        waiting.cancel()
    assert sum(len(logits(part)) - logits(part).count(None) for part in results) == 97


async def test_a_text_that_may_not_be_truncated_decides_for_its_request(
    ask: Ask, tokenization: Tokenization
) -> None:
    engine = GatedEngine()
    async with running(engine, tokenization) as scheduler:
        results = await scheduler.score_pairs(
            ask(1, 5_000, 2, reading=Reading(truncation="refuse")), soon(20)
        )
    assert any(isinstance(result, InputTooLong) for result in results.values())


async def test_a_long_text_does_not_hold_up_others(ask: Ask, tokenization: Tokenization) -> None:
    engine = GatedEngine(is_open=True)
    async with running(engine, tokenization) as scheduler:
        spaces = ask.texts("\u3000\n " * 700_000 + "空")
        long = asyncio.create_task(scheduler.score_pairs(spaces, soon(), "long"))
        short = await scheduler.score_pairs(ask(2), soon(), "short")
        assert len(short) == 1
        assert len(await long) == 1


async def test_long_texts_are_read_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, steps = LongReader.step, []

    def counted(reader: LongReader) -> bool:
        steps.append(id(reader))
        return step(reader)

    monkeypatch.setattr(LongReader, "step", counted)
    tokenization = Tokenization(load_checkpoint(write_checkpoint(tmp_path, tiny_config()), "tiny"), 256)
    ask = Ask(tokenization)
    async with running(GatedEngine(is_open=True), tokenization) as scheduler:
        results = await scheduler.score_pairs(
            ask(*range(20_000, 20_005), reading=Reading(max_tokens_per_doc=20_000)), soon()
        )
    assert len(results) == 5
    assert len(steps) >= 3 * 5
    assert len(list(groupby(steps))) == 5


async def test_a_callers_one_request_gets_half_of_the_batches_beside_anothers_twenty(
    ask: Ask, tokenization: Tokenization
) -> None:
    engine = GatedEngine(workers=2)
    async with running(engine, tokenization) as scheduler:
        many = [
            asyncio.create_task(scheduler.score_pairs(ask(1, 2, 3, 4, query="海" * n), soon(), "many"))
            for n in range(1, 21)
        ]
        await begun(engine)
        await begun(engine)
        single = asyncio.create_task(scheduler.score_pairs(ask(*range(5, 15)), soon(), "single"))
        await all_is_read(scheduler, pairs=90)
        while not single.done():
            engine.permit(1)
            await begun(engine)
        ran = [window for batch in engine.batches for window in batch]
        engine.permit()
        await asyncio.gather(*many)
    is_own = [window.ids.count(SKY) > 4 for window in ran]
    until_the_last = ran[: len(ran) - is_own[::-1].index(True)]
    own = sum(len(window) for window, is_single in zip(ran, is_own, strict=True) if is_single)
    longest = max(map(len, ran))
    assert sum(is_own) == 10
    assert sum(map(len, until_the_last)) <= 2 * own + 4 * longest, "two ran when it came"


async def test_a_small_request_begins_while_others_windows_run_where_a_worker_is_to_spare(
    ask: Ask, tokenization: Tokenization
) -> None:
    engine = GatedEngine(workers=2, spare_workers=1)
    async with running(engine, tokenization) as scheduler:
        large = asyncio.create_task(scheduler.score_pairs(ask(*range(200, 210)), soon(), "large"))
        await begun(engine)
        await begun(engine)
        small = asyncio.create_task(scheduler.score_pairs(ask(1, query="天気"), soon(), "small"))
        await begun(engine)
        assert engine.batches == [], "no run is over"
        engine.permit(3)
        assert len(await small) == 1
        engine.permit()
        assert len(await large) == 10


async def test_how_fast_the_engine_is_counts_what_the_spare_worker_did_meanwhile(
    monkeypatch: pytest.MonkeyPatch, ask: Ask, tokenization: Tokenization
) -> None:
    engine, observed = GatedEngine(workers=1, spare_workers=1), []
    monkeypatch.setattr(Throughput, "observe_run", lambda _, tokens, spent_s: observed.append(tokens))
    async with running(engine, tokenization) as scheduler:
        large = asyncio.create_task(scheduler.score_pairs(ask(*range(200, 210)), soon(), "large"))
        await begun(engine)
        small = asyncio.create_task(scheduler.score_pairs(ask(1, query="天気"), soon(), "small"))
        await begun(engine)
        engine.permit()
        await asyncio.gather(large, small)
    assert len(observed) == 10
    assert sum(observed) == sum(len(window) for batch in engine.batches for window in batch)


async def test_what_an_idle_worker_takes_is_left_to_it(
    monkeypatch: pytest.MonkeyPatch, ask: Ask, tokenization: Tokenization
) -> None:
    engine, names = GatedEngine(workers=2, spare_workers=1), set()
    score = engine.score

    def named(windows: Sequence[Window]) -> list[float | EngineError]:
        names.add(threading.current_thread().name)
        return score(windows)

    monkeypatch.setattr(engine, "score", named)
    async with running(engine, tokenization) as scheduler:
        large = asyncio.create_task(scheduler.score_pairs(ask(600), soon(), "large"))
        await begun(engine)
        small = asyncio.create_task(scheduler.score_pairs(ask(1, query="天気"), soon(), "small"))
        await begun(engine)
        engine.permit()
        await asyncio.gather(large, small)
    assert names == {"jrerank-worker-0", "jrerank-worker-1"}


async def test_a_long_text_does_not_wait_for_all_long_texts_of_another_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, steps, first_step, all_are_there = LongReader.step, count(), threading.Event(), threading.Event()

    def counted(reader: LongReader) -> bool:
        first_step.set()
        all_are_there.wait(10)
        next(steps)
        return step(reader)

    monkeypatch.setattr(LongReader, "step", counted)
    tokenization = Tokenization(load_checkpoint(write_checkpoint(tmp_path, tiny_config()), "tiny"), 256)
    ask, reading = Ask(tokenization), Reading(max_tokens_per_doc=20_000)
    async with running(GatedEngine(is_open=True), tokenization) as scheduler:
        many = [
            asyncio.create_task(scheduler.score_pairs(ask(skies, reading=reading), soon(), "many"))
            for skies in range(20_000, 20_008)
        ]
        assert await asyncio.to_thread(first_step.wait, 10)
        single = asyncio.create_task(scheduler.score_pairs(ask(20_008, reading=reading), soon(), "single"))
        await asyncio.sleep(0)
        all_are_there.set()
        assert len(await single) == 1
        steps_of_both = next(steps)
        assert [len(results) for results in await asyncio.gather(*many)] == [1] * 8
    assert steps_of_both <= next(steps) * 4 / 9, "two texts are read in turns"


async def test_too_much_is_refused(ask: Ask, tokenization: Tokenization) -> None:
    engine = GatedEngine()
    async with running(engine, tokenization, max_queued_tokens=10) as scheduler:
        first = asyncio.create_task(scheduler.score_pairs(ask(*range(1, 20)), soon()))
        await begun(engine)
        with pytest.raises(Overloaded):
            await scheduler.score_pairs(ask(50, query="天気"), soon())
        first.cancel()


async def test_when_it_is_cut_off_everybody_gets_what_there_is(ask: Ask, tokenization: Tokenization) -> None:
    engine = GatedEngine()
    async with running(engine, tokenization) as scheduler:
        scoring = asyncio.create_task(scheduler.score_pairs(ask(*range(1, 10)), soon()))
        engine.permit(2)
        for _ in range(3):
            await begun(engine)
        await asyncio.sleep(0.05)
        scheduler.cut_off()
        assert len(await asyncio.wait_for(scoring, 5)) == 2


async def test_what_has_been_scored_of_a_request_that_is_over_is_known_at_once(
    ask: Ask, tokenization: Tokenization
) -> None:
    """Whoever asks again is not refused for it."""
    engine, cache = GatedEngine(), ScoreCache(10**6)
    async with running(engine, tokenization, cache=cache) as scheduler:
        scoring = asyncio.create_task(scheduler.score_pairs(ask(*range(1, 10)), soon()))
        engine.permit(2)
        for _ in range(3):
            await begun(engine)
        scheduler.cut_off()
        scored = await asyncio.wait_for(scoring, 5)
        assert len(scored) == 2
        assert all(key in cache for key in scored)


@pytest.mark.parametrize("ends", ["cut off", "refused", "late"])
async def test_whose_request_is_over_puts_no_more_of_it_into_the_queue(
    ends: str, ask: Ask, tokenization: Tokenization, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = ask.texts(*(f"{place}番の空" for place in range(1_000)), reading=Reading(truncation="refuse"))
    async with running(GatedEngine(), tokenization) as scheduler:
        extend, extended = scheduler._workers.extend, []

        def counted(ticket: Ticket[PairText], pairs: Sequence[PairWork[PairText]], *, is_last: bool) -> None:
            extended.append(len(pairs))
            extend(ticket, pairs, is_last=is_last)
            if ends == "cut off":
                scheduler.cut_off()
            elif ends == "refused":
                scheduler._receive([Completed(pairs[0].key, InputTooLong("too long"), (ticket,))])
                scheduler._deliver()
            else:
                time.sleep(max(0.0, deadline - time.monotonic()))

        monkeypatch.setattr(scheduler._workers, "extend", counted)
        deadline = soon(1.0 if ends == "late" else 30.0)
        await scheduler.score_pairs(many, deadline)
        assert scheduler._workers._queue.open_pairs <= 1, "at most the one that runs"
    assert extended == [250]


async def test_a_closed_scheduler_refuses_and_does_not_block_the_loop(
    ask: Ask, tokenization: Tokenization
) -> None:
    engine = GatedEngine()
    async with running(engine, tokenization) as scheduler:
        scoring = asyncio.create_task(scheduler.score_pairs(ask(1), soon(1)))
        await begun(engine)
        closing = asyncio.create_task(scheduler.close())
        await asyncio.sleep(0.05)
        with pytest.raises(Unavailable):
            await scheduler.score_pairs(ask(2), soon())
        engine.permit()
        await closing
        await scoring


async def test_it_is_healthy_while_its_threads_live(ask: Ask, tokenization: Tokenization) -> None:
    engine = GatedEngine(is_open=True)
    async with running(engine, tokenization) as scheduler:
        await scheduler.score_pairs(ask(1), soon())
        assert scheduler.healthy()
    assert not scheduler.healthy()


# Two models


@pytest.fixture
def second(tmp_path: Path) -> SecondModel:
    folder = write_checkpoint(tmp_path, tiny_config(num_hidden_layers=3))
    tokenization = Tokenization(load_checkpoint(folder, "second"), 64)
    engine = GatedEngine(workers=2, limit=BatchLimit(4, 1_000), is_open=True)
    return SecondModel(ScoringModel(engine, tokenization, token_cost=2.0), depth=5)


def gated(model: SecondModel) -> GatedEngine:
    assert isinstance(model.model.engine, GatedEngine)
    return model.model.engine


async def test_the_same_threads_serve_both_models_and_one_batch_may_hold_windows_of_both(
    tokenization: Tokenization, second: SecondModel
) -> None:
    engine = GatedEngine(limit=BatchLimit(8, 1_000))
    before = threading.active_count()
    async with running(engine, tokenization, second=second) as scheduler:
        assert threading.active_count() == before + 2, "a worker and a tokenizer"
        held = asyncio.create_task(scheduler.score(queries("海"), soon()))
        await begun(engine)
        first = asyncio.create_task(scheduler.score(queries("空", "空空"), soon()))
        top = asyncio.create_task(scheduler.score_second(queries("空空空", "空"), soon()))
        await all_is_read(scheduler, 1 + 4)
        engine.permit()
        results = [logits(part) for part in (*await first, *await top)]
        await held
    assert results == [[1.0, 2.0], [3.0, 1.0]]
    assert [len(batch) for batch in (*engine.batches, *gated(second).batches)] == [1, 2, 2]


async def test_scores_of_one_model_are_not_taken_for_the_others(
    tokenization: Tokenization, second: SecondModel
) -> None:
    engine, cache = GatedEngine(is_open=True), ScoreCache(10**6)
    async with running(engine, tokenization, cache=cache, second=second) as scheduler:
        for _ in range(2):
            await scheduler.score(queries("空", "海"), soon())
            await scheduler.score_second(queries("空", "海"), soon())
    assert (len(engine.skies), len(gated(second).skies), len(cache)) == (2, 2, 4)


async def test_open_work_of_the_second_model_counts_for_what_it_costs(
    tokenization: Tokenization, second: SecondModel
) -> None:
    engine = GatedEngine()
    async with running(engine, tokenization, second=second) as scheduler:
        held = asyncio.create_task(scheduler.score(queries("海"), soon()))
        await begun(engine)
        waits = []
        for score in (scheduler.score, scheduler.score_second):
            task = asyncio.create_task(score(queries("空" * 20), soon()))
            await all_is_read(scheduler, 2)
            waits.append(scheduler._workers._queue.waiting_tokens)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        held.cancel()
    assert waits[1] == 2 * waits[0]


@pytest.mark.parametrize("token_cost", [1e4, 1e6])
async def test_an_answer_is_not_held_for_a_second_round_in_which_nothing_can_run(
    token_cost: float, tokenization: Tokenization, second: SecondModel
) -> None:
    """With 1e4 it is let in, and ends when the text proves longer than estimated."""
    slow = SecondModel(ScoringModel(second.model.engine, second.model.tokenization, token_cost), depth=5)
    async with running(GatedEngine(is_open=True), tokenization, second=slow) as scheduler:
        deadline = soon(10)
        results = await scheduler.score_second(queries("空", "海"), deadline)
        left_s = deadline - time.monotonic()
    assert results == [[None, None]]
    assert left_s > 5
    assert gated(slow).runs == 0


async def test_what_is_known_of_a_second_round_that_is_not_let_in_is_kept(
    tokenization: Tokenization, second: SecondModel
) -> None:
    async with running(
        GatedEngine(is_open=True), tokenization, cache=ScoreCache(10**6), second=second
    ) as scheduler:
        await scheduler.score_second(queries("空", "空空"), soon())
        scheduler._workers.close()
        (results,) = await scheduler.score_second(queries("空", "空空", "空空空"), soon())
    assert [result and result.logit for result in results if not isinstance(result, Exception)] == [
        1.0,
        2.0,
        None,
    ]


@pytest.mark.parametrize("late_s", [-1.0, 0.0])
async def test_no_second_round_is_begun_once_it_is_too_late(
    late_s: float, tokenization: Tokenization, second: SecondModel
) -> None:
    async with running(GatedEngine(is_open=True), tokenization, second=second) as scheduler:
        assert await scheduler.score_second(queries("空", "海"), soon(late_s)) == [[None, None]]
        assert await scheduler.score_second(queries(), soon()) == [[]]
    assert gated(second).runs == 0
