"""The one way through: store, encoding, cache, scheduler, ordering. Whatever fails, every hit comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import tiny_config, write_checkpoint
from engines import GatedEngine
from held_work import held
from jrerank.cache import ScoreCache
from jrerank.domain import Candidate, Fusion, Outcome, RerankRequest, Truncation, Window
from jrerank.errors import EngineError, InputTooLong, Overloaded, StoreError, UnknownStore
from jrerank.large_work import LargeWork
from jrerank.models.checkpoint import load_checkpoint
from jrerank.reranker import Reranker
from jrerank.scheduling.model import ScoringModel, SecondModel
from jrerank.scheduling.scheduler import Scheduler
from jrerank.scheduling.texts import SECOND, PairText
from jrerank.scheduling.throughput import Throughput
from jrerank.scheduling.work import PairWork, Ticket
from jrerank.stores.store import PassageStore
from jrerank.telemetry import Metrics
from jrerank.tokenization.windows import Tokenization


@dataclass
class Shelf:
    """A store with passages in memory; `trouble` is raised, or waited for."""

    passages: Mapping[str, str]
    trouble: Exception | float | None = None
    asked: list[Sequence[str]] = field(default_factory=list)
    returns_text: bool = True

    async def fetch(self, ids: Sequence[str], timeout_s: float) -> Mapping[str, str]:
        self.asked.append(ids)
        if isinstance(self.trouble, Exception):
            raise self.trouble
        await asyncio.sleep(self.trouble or 0)
        return {id: self.passages[id] for id in ids if id in self.passages}

    async def check(self) -> None: ...

    async def close(self) -> None: ...


@pytest.fixture(scope="module")
def tokenization(tmp_path_factory: pytest.TempPathFactory) -> Tokenization:
    folder = write_checkpoint(tmp_path_factory.mktemp("model"), tiny_config())
    return Tokenization(load_checkpoint(folder, "tiny"), 64)


@asynccontextmanager
async def reranking(
    tokenization: Tokenization,
    engine: GatedEngine | None = None,
    cache_bytes: int = 10**6,
    large: LargeWork | None = None,
    second: SecondModel | None = None,
    metrics: Metrics | None = None,
    **stores: PassageStore,
) -> AsyncIterator[Reranker]:
    metrics, cache = metrics or Metrics(), ScoreCache(cache_bytes)
    engine = engine or GatedEngine(workers=2, is_open=True)
    throughput, large = Throughput(engine.workers), large or LargeWork()
    scheduler = Scheduler(engine, tokenization, throughput, metrics, 10**9, cache, large, second)
    scheduler.start()
    try:
        yield Reranker(scheduler, stores, metrics, large)
    finally:
        engine.permit()
        await scheduler.close()


def request(
    query: str,
    passages: tuple[Candidate, ...],
    top_n: int | None = None,
    timeout_s: float = 30.0,
    fusion: Fusion | None = None,
    store: str | None = None,
    truncation: Truncation = "right",
) -> RerankRequest:
    deadline = time.monotonic() + timeout_s
    return RerankRequest(query, passages, deadline, top_n, fusion, store, truncation=truncation)


def candidates(*passages: str | None) -> tuple[Candidate, ...]:
    return tuple(Candidate(str(index), passage) for index, passage in enumerate(passages))


async def test_the_model_decides_the_order(tokenization: Tokenization) -> None:
    async with reranking(tokenization) as reranker:
        ranking = await reranker.rerank(request("今日", candidates("海", "空空", "空"), top_n=2))
    assert [(hit.id, hit.logit) for hit in ranking.hits] == [("1", 2.0), ("2", 1.0)]
    assert (ranking.outcome, ranking.reason, ranking.missing) == (Outcome.COMPLETE, None, ())
    assert ranking.tokens > 0


async def test_a_hit_of_several_passages_is_worth_what_its_best_one_is(tokenization: Tokenization) -> None:
    several = Candidate("several", "海", others=("空空空", "空"))
    async with reranking(tokenization) as reranker:
        ranking = await reranker.rerank(request("今日", (*candidates("空空"), several)))
        alone = await reranker.rerank(request("今日", candidates("空空空")))
    assert [(hit.id, hit.logit, hit.best) for hit in ranking.hits] == [("several", 3.0, 1), ("0", 2.0, 0)]
    assert ranking.tokens > alone.tokens, "all of them have been read"


async def test_of_several_passages_one_that_fails_costs_no_score_but_is_told(
    tokenization: Tokenization,
) -> None:
    both = Candidate("both", "富士山", others=("空",))
    async with reranking(tokenization) as reranker:
        ranking = await reranker.rerank(request("今日", (both,)))
    assert (ranking.hits[0].best, ranking.hits[0].logit) == (1, 1.0)
    assert (ranking.outcome, ranking.reason) == (Outcome.PARTIAL, "engine_error")


async def test_of_several_passages_one_that_the_deadline_cuts_off_is_told(tokenization: Tokenization) -> None:
    engine = GatedEngine()
    engine.permit(3)
    hits = (Candidate("0", "海", others=("空",)), Candidate("1", "山", others=("空空空",)))
    async with reranking(tokenization, engine) as reranker:
        ranking = await reranker.rerank(request("今日", hits, timeout_s=0.3))
    assert [hit.id for hit in ranking.hits if hit.scored] == ["0", "1"], "each by what was read of it"
    assert (ranking.outcome, ranking.reason) == (Outcome.PARTIAL, "deadline")


async def test_a_pair_that_is_known_is_not_scored_again(tokenization: Tokenization) -> None:
    engine = GatedEngine(workers=2, is_open=True)
    async with reranking(tokenization, engine) as reranker:
        first = await reranker.rerank(request("今日", candidates("空", "海", "空")))
        second = await reranker.rerank(request("今日", candidates("海", "空")))
    assert engine.runs == 2
    assert (first.tokens, second.outcome) == (first.tokens, Outcome.COMPLETE)


@pytest.mark.parametrize("cache_bytes", [0, 10**6])
async def test_equal_pairs_that_are_asked_for_at_once_are_scored_once(
    cache_bytes: int, tokenization: Tokenization
) -> None:
    engine = GatedEngine(workers=2)
    async with reranking(tokenization, engine, cache_bytes) as reranker:
        same = request("今日", candidates("空", "海"))
        asking = [asyncio.create_task(reranker.rerank(same)) for _ in range(8)]
        await asyncio.to_thread(engine.started.acquire)
        engine.permit()
        rankings = await asyncio.gather(*asking)
    assert engine.runs == 2
    assert all(ranking == rankings[0] for ranking in rankings)


async def test_a_failed_run_costs_its_hit_the_new_place_only(tokenization: Tokenization) -> None:
    async with reranking(tokenization) as reranker:
        ranking = await reranker.rerank(request("今日", candidates("富士山", "海", "空")))
    assert [(hit.id, hit.scored) for hit in ranking.hits] == [("2", True), ("1", True), ("0", False)]
    assert (ranking.outcome, ranking.reason) == (Outcome.PARTIAL, "engine_error")


async def test_at_the_deadline_the_rest_keeps_its_old_order(tokenization: Tokenization) -> None:
    engine = GatedEngine()
    engine.permit(3)
    async with reranking(tokenization, engine) as reranker:
        ranking = await reranker.rerank(request("今日", candidates(*map(str, range(50))), timeout_s=0.3))
    assert sum(hit.scored for hit in ranking.hits) == 3
    assert (ranking.outcome, ranking.reason) == (Outcome.PARTIAL, "deadline")
    rest = [hit.index for hit in ranking.hits if not hit.scored]
    assert rest == sorted(rest)


async def test_a_deadline_that_is_over_on_an_idle_sidecar_is_no_overload(tokenization: Tokenization) -> None:
    late = request("今日", candidates("空"), timeout_s=-1.0)
    async with reranking(tokenization) as reranker:
        ranking = await reranker.rerank(late)
    assert (ranking.outcome, ranking.reason) == (Outcome.PASSTHROUGH, "deadline")


async def test_whose_time_is_up_while_others_large_work_is_done_gets_the_old_order(
    tokenization: Tokenization,
) -> None:
    large, engine = LargeWork(), GatedEngine(is_open=True)
    late = request("今日", candidates(*map(str, range(600))), timeout_s=0.0)
    async with reranking(tokenization, engine, large=large) as reranker:
        go_on = await held(large)
        reranking_late = asyncio.create_task(reranker.rerank(late))
        await asyncio.sleep(0.01)
        go_on.set()
        ranking = await asyncio.wait_for(reranking_late, 5)
    assert [hit.index for hit in ranking.hits] == list(range(600))
    assert (ranking.outcome, ranking.reason) == (Outcome.PASSTHROUGH, "deadline")
    assert engine.runs == 0


async def test_a_store_is_asked_once_for_what_is_missing(tokenization: Tokenization) -> None:
    shelf = Shelf({"a": "空", "b": "空空"})
    asked = (Candidate("a"), Candidate("sent", "空空空"), Candidate("b"), Candidate("a"))
    async with reranking(tokenization, docs=shelf) as reranker:
        ranking = await reranker.rerank(request("今日", asked, store="docs"))
        await reranker.rerank(request("今日", candidates("空"), store="docs"))
    assert shelf.asked == [["a", "b"]]
    assert [hit.id for hit in ranking.hits] == ["sent", "b", "a", "a"]
    assert ranking.outcome is Outcome.COMPLETE


async def test_a_store_is_asked_once_for_all_requests_that_are_answered_together(
    tokenization: Tokenization,
) -> None:
    shelf = Shelf({"a": "空", "b": "空空"})
    lists = [("a", "b"), ("b", "a"), ("b", "c"), ("c",)]
    requests = [request("今日", tuple(map(Candidate, ids)), store="docs") for ids in lists]
    blank = request(" ", (Candidate("d"),), store="docs")
    async with reranking(tokenization, docs=shelf) as reranker:
        rankings = await reranker.rerank_all([*requests, blank])
    assert shelf.asked == [["a", "b", "c"]]
    assert [[hit.id for hit in ranking.hits] for ranking in rankings[:3]] == [
        ["b", "a"],
        ["b", "a"],
        ["b", "c"],
    ]
    assert [ranking.missing for ranking in rankings[:4]] == [(), (), ("c",), ("c",)]
    reasons = [None, None, "missing_passages", "missing_passages", "blank_query"]
    assert [ranking.reason for ranking in rankings] == reasons


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (StoreError("down"), "store_error"),
        (KeyError("a bug of the store"), "store_error"),
        (TimeoutError(), "store_timeout"),
        (60.0, "store_timeout"),
    ],
)
async def test_a_store_that_fails_costs_no_hit_and_takes_half_the_time_at_most(
    trouble: Exception | float, reason: str, tokenization: Tokenization
) -> None:
    broken = request("今日", (Candidate("a"), Candidate("b", "空")), timeout_s=1.0, store="docs")
    async with reranking(tokenization, docs=Shelf({}, trouble)) as reranker:
        ranking = await reranker.rerank(broken)
    assert [(hit.id, hit.scored) for hit in ranking.hits] == [("b", True), ("a", False)]
    assert (ranking.outcome, ranking.reason, ranking.missing) == (Outcome.PARTIAL, reason, ("a",))


@pytest.mark.parametrize("store", [None, "docs"])
async def test_what_no_one_has_is_missing(store: str | None, tokenization: Tokenization) -> None:
    async with reranking(tokenization, docs=Shelf({})) as reranker:
        ranking = await reranker.rerank(request("今日", candidates(None, None), store=store))
    assert (ranking.outcome, ranking.reason) == (Outcome.PASSTHROUGH, "missing_passages")
    assert ranking.missing == ("0", "1")


async def test_what_makes_no_sense_is_refused(tokenization: Tokenization) -> None:
    async with reranking(tokenization, docs=Shelf({})) as reranker:
        with pytest.raises(UnknownStore, match=r"no store 'other' \(docs\)"):
            await reranker.rerank(request("今日", candidates("空"), store="other"))
        with pytest.raises(InputTooLong) as caught:
            await reranker.rerank(request("今日", candidates("海", "空" * 100), truncation="refuse"))
        assert caught.value.field == "passages.1"


async def test_requests_that_are_answered_together_get_what_each_would_alone(
    tokenization: Tokenization,
) -> None:
    requests = [request(query, candidates("空", "海", "空空")) for query in ("今日", "空")]
    async with reranking(tokenization) as reranker:
        together = await reranker.rerank_all(requests)
        assert together == [await reranker.rerank(request) for request in requests]
        assert await reranker.rerank_all([]) == []


async def test_a_long_passage_of_many_queries_is_read_for_its_key_once(tokenization: Tokenization) -> None:
    """Each time would take some 5 ms: 10 s that nobody waits for any more."""
    passages = candidates("空" * 1_000_000)
    requests = [request(f"今日{number}", passages, timeout_s=0.0) for number in range(2_000)]
    async with reranking(tokenization) as reranker:
        started = time.process_time()
        rankings = await reranker.rerank_all(requests)
        assert time.process_time() - started < 3
    assert {ranking.reason for ranking in rankings} == {"deadline"}


@pytest.mark.parametrize("query", ["", "  ", "\u3000\n"])
async def test_a_blank_query_is_answered_in_the_old_order_and_says_so(
    query: str, tokenization: Tokenization
) -> None:
    engine, shelf = GatedEngine(), Shelf({"a": "空"})
    async with reranking(tokenization, engine, docs=shelf) as reranker:
        ranking = await reranker.rerank(request(query, (Candidate("a"), Candidate("b", "空")), store="docs"))
    assert [(hit.id, hit.scored) for hit in ranking.hits] == [("a", False), ("b", False)]
    assert (ranking.outcome, ranking.reason) == (Outcome.PASSTHROUGH, "blank_query")
    assert (engine.runs, shelf.asked) == (0, [])


async def test_a_passage_that_is_not_read_to_its_end_says_so(tokenization: Tokenization) -> None:
    async with reranking(tokenization) as reranker:
        ranking = await reranker.rerank(request("今日", candidates("空" * 500, "空")))
    assert [hit.truncated for hit in ranking.hits] == [True, False]
    assert ranking.truncated == 1


PASSAGES = st.lists(st.sampled_from([None, "", "空", "空空", "海", "富士山", "\0", "</s>"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    passages=PASSAGES,
    ids=st.lists(st.sampled_from("abc"), min_size=12, max_size=12),
    top_n=st.one_of(st.none(), st.integers(1, 12)),
    fusion=st.sampled_from([None, Fusion("linear", weight=0.5), Fusion("rrf")]),
    trouble=st.sampled_from([None, StoreError("down")]),
)
def test_every_candidate_comes_back_once_whatever_happens(
    tokenization: Tokenization,
    passages: list[str | None],
    ids: list[str],
    top_n: int | None,
    fusion: Fusion | None,
    trouble: Exception | None,
) -> None:
    asked = tuple(Candidate(id, text, 1.0) for id, text in zip(ids, passages, strict=False))
    anything = request("今日", asked, top_n, fusion=fusion, store="docs")

    async def rerank() -> None:
        async with reranking(tokenization, docs=Shelf({"a": "空"}, trouble)) as reranker:
            ranking = await reranker.rerank(anything)
        hits = ranking.hits
        assert len(hits) == min(len(asked), top_n or len(asked))
        assert len({hit.index for hit in hits}) == len(hits)
        assert all(asked[hit.index].id == hit.id for hit in hits)
        if top_n is None:
            scored = sum(hit.scored for hit in hits)
            complete, some = scored == len(asked), scored > 0
            assert (ranking.outcome is Outcome.COMPLETE, ranking.reason is None) == (complete, complete)
            assert (ranking.outcome is Outcome.PARTIAL) == (some and not complete)

    asyncio.run(rerank())


# A second model


class ContraryEngine(GatedEngine):
    """Likes best what a `GatedEngine` likes least."""

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        return [-logit for logit in super().score(windows) if isinstance(logit, float)]


@pytest.fixture(scope="module")
def other_tokenization(tmp_path_factory: pytest.TempPathFactory) -> Tokenization:
    folder = write_checkpoint(tmp_path_factory.mktemp("second"), tiny_config(num_hidden_layers=3))
    return Tokenization(load_checkpoint(folder, "second"), 48)


def second_model(
    tokenization: Tokenization, engine: GatedEngine | None = None, depth: int = 3
) -> SecondModel:
    engine = engine or ContraryEngine(workers=2, is_open=True)
    return SecondModel(ScoringModel(engine, tokenization, token_cost=3.0), depth)


FIVE = candidates("海", "空", "空空", "空空空", "空空空空")


async def test_a_second_model_orders_the_top_of_the_first_ones_ranking(
    tokenization: Tokenization, other_tokenization: Tokenization
) -> None:
    first, second = GatedEngine(workers=2, is_open=True), ContraryEngine(workers=2, is_open=True)
    metrics, model = Metrics(), second_model(other_tokenization, second)
    async with reranking(tokenization, first, second=model, metrics=metrics) as reranker:
        ranking = await reranker.rerank(request("今日", FIVE))
        again = await reranker.rerank(request("今日", FIVE))
    assert [(hit.id, hit.logit, hit.second_logit) for hit in ranking.hits] == [
        ("2", 4.0, -2.0),
        ("3", 3.0, -3.0),
        ("4", 2.0, -4.0),
        ("1", 1.0, None),
        ("0", 0.0, None),
    ]
    assert (ranking.outcome, ranking.reason, ranking.second_read) == (Outcome.COMPLETE, None, 3)
    assert (first.runs, second.runs) == (5, 3), (
        "each model's scores are kept apart, and known the second time"
    )
    assert again == ranking
    read = [window for batches in (first.batches, second.batches) for batch in batches for window in batch]
    assert ranking.tokens == sum(map(len, read)), "what both have read"
    assert 'jrerank_second_rounds_total{outcome="complete"} 2.0' in metrics.exposition().decode()


async def test_without_a_second_model_no_second_round_is_told_of(tokenization: Tokenization) -> None:
    async with reranking(tokenization) as reranker:
        ranking = await reranker.rerank(request("今日", FIVE))
    assert ranking.second_read is None
    assert all(hit.second_logit is None for hit in ranking.hits)


async def test_one_hit_is_in_order_without_a_second_model(
    tokenization: Tokenization, other_tokenization: Tokenization
) -> None:
    second = ContraryEngine(is_open=True)
    async with reranking(tokenization, second=second_model(other_tokenization, second)) as reranker:
        ranking = await reranker.rerank(request("今日", candidates("空")))
    assert (ranking.outcome, ranking.second_read, second.runs) == (Outcome.COMPLETE, 0, 0)


@pytest.mark.parametrize(("permits", "became"), [(0, "skipped"), (2, "partial")])
async def test_at_the_deadline_the_second_round_is_as_deep_as_it_has_come(
    permits: int, became: str, tokenization: Tokenization, other_tokenization: Tokenization
) -> None:
    engine, metrics = ContraryEngine(), Metrics()
    engine.permit(permits)
    first = GatedEngine(is_open=True)
    model = second_model(other_tokenization, engine)
    async with reranking(tokenization, first, second=model, metrics=metrics) as reranker:
        ranking = await reranker.rerank(request("今日", FIVE, timeout_s=0.6))
        engine.permit()
    assert [hit.id for hit in ranking.hits] == (
        ["4", "3", "2", "1", "0"] if not permits else ["3", "4", "2", "1", "0"]
    )
    assert [hit.logit for hit in ranking.hits] == [4.0, 3.0, 2.0, 1.0, 0.0]
    assert (ranking.outcome, ranking.reason, ranking.second_read) == (Outcome.COMPLETE, None, permits)
    assert ranking.second_reason == "deadline"
    assert f'jrerank_second_rounds_total{{outcome="{became}"}} 1.0' in metrics.exposition().decode()


async def test_a_run_that_fails_ends_the_second_round_above_it(
    tokenization: Tokenization, other_tokenization: Tokenization
) -> None:
    first = GatedEngine(workers=2, is_open=True, fails_on=-1)
    model = second_model(other_tokenization, GatedEngine(workers=2, is_open=True), depth=4)
    hits = candidates("空空空空", "空空空", "空空富士山", "空")
    async with reranking(tokenization, first, second=model) as reranker:
        ranking = await reranker.rerank(request("今日", hits))
    assert [hit.id for hit in ranking.hits] == ["0", "1", "2", "3"]
    assert (ranking.outcome, ranking.reason, ranking.second_read) == (Outcome.COMPLETE, None, 2)


async def test_a_second_model_reads_the_passage_that_a_hit_was_scored_by(
    tokenization: Tokenization, other_tokenization: Tokenization
) -> None:
    second = ContraryEngine(workers=2, is_open=True)
    several = Candidate("several", "海", others=("空空空", "空"))
    async with reranking(tokenization, second=second_model(other_tokenization, second)) as reranker:
        ranking = await reranker.rerank(request("今日", (*candidates("空空"), several)))
    assert [(hit.id, hit.best, hit.second_logit) for hit in ranking.hits] == [
        ("0", 0, -2.0),
        ("several", 1, -3.0),
    ]
    assert sorted(second.skies) == [2, 3]


async def test_the_second_model_orders_what_the_first_stage_is_mixed_into(
    tokenization: Tokenization, other_tokenization: Tokenization
) -> None:
    hits = tuple(Candidate(str(place), "空" * place, score=10.0 * place) for place in (1, 2, 3))
    async with reranking(tokenization, second=second_model(other_tokenization)) as reranker:
        ranking = await reranker.rerank(request("今日", hits, fusion=Fusion("linear", weight=0.01)))
    assert [(hit.id, hit.logit) for hit in ranking.hits] == [("1", 3.0), ("2", 2.0), ("3", 1.0)]
    assert [hit.score for hit in ranking.hits] == pytest.approx([3.3, 2.2, 1.1])


async def test_a_text_that_only_the_second_model_cannot_read_whole_ends_its_round_where_truncation_is_refused(
    tokenization: Tokenization, other_tokenization: Tokenization
) -> None:
    # The engine likes a text by its 空, and 海 only makes it longer
    long, short = "空空空" + "海" * 15, ("空" * 5, "空" * 4, "空")
    async with reranking(tokenization, second=second_model(other_tokenization, depth=4)) as reranker:
        hits = candidates(*short, long)
        ranking = await reranker.rerank(request("今日", hits, truncation="refuse"))
        whole = await reranker.rerank(request("今日", candidates("空", "空空" * 26)))
    assert [hit.id for hit in ranking.hits] == ["1", "0", "3", "2"]
    assert (ranking.outcome, ranking.second_read, ranking.second_reason) == (Outcome.COMPLETE, 2, "too_long")
    assert (whole.truncated, [hit.truncated for hit in whole.hits if hit.id == "1"]) == (1, [True])


@pytest.mark.parametrize("trouble", [Overloaded("too much"), "cut off"])
async def test_a_second_round_that_is_not_let_in_costs_nothing_but_itself(
    trouble: Exception | str,
    tokenization: Tokenization,
    other_tokenization: Tokenization,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = ContraryEngine(is_open=True)
    async with reranking(tokenization, second=second_model(other_tokenization, second)) as reranker:
        scheduler = reranker._scheduler
        if isinstance(trouble, Exception):
            admit = scheduler._workers.admit

            def refused(pairs: Sequence[PairWork[PairText]], *given: Any, **named: Any) -> Ticket[PairText]:
                if pairs[0].text.model == SECOND:
                    raise trouble
                return admit(pairs, *given, **named)

            monkeypatch.setattr(scheduler._workers, "admit", refused)
        else:
            scheduler.cut_off()
        ranking = await reranker.rerank(request("今日", FIVE))
    assert [hit.id for hit in ranking.hits] == ["4", "3", "2", "1", "0"]
    assert (ranking.outcome, ranking.reason, ranking.second_read) == (Outcome.COMPLETE, None, 0)
    assert second.runs == 0


async def test_several_requests_have_second_rounds_of_their_own(
    tokenization: Tokenization, other_tokenization: Tokenization
) -> None:
    requests = [
        request("今日", FIVE),
        request("天気", candidates("空", "空空")),
        request(" ", candidates("空")),
    ]
    async with reranking(tokenization, second=second_model(other_tokenization)) as reranker:
        rankings = await reranker.rerank_all(requests)
    assert [[hit.id for hit in ranking.hits] for ranking in rankings] == [
        ["2", "3", "4", "1", "0"],
        ["0", "1"],
        ["0"],
    ]
    assert [ranking.second_read for ranking in rankings] == [3, 2, 0]
    assert rankings[2].reason == "blank_query"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(2, 6))
def test_the_same_model_twice_ranks_as_it_does_once(
    tokenization: Tokenization, skies: list[int], depth: int
) -> None:
    async def ranked(second: SecondModel | None) -> list[tuple[str, float | None]]:
        async with reranking(tokenization, cache_bytes=0, second=second) as reranker:
            ranking = await reranker.rerank(request("今日", candidates(*("空" * count for count in skies))))
        assert ranking.outcome is Outcome.COMPLETE or not skies
        return [(hit.id, hit.score) for hit in ranking.hits]

    twice = second_model(tokenization, GatedEngine(workers=2, is_open=True), depth)
    assert asyncio.run(ranked(twice)) == asyncio.run(ranked(None))
