"""The one way through: store, encoding, cache, scheduler, ordering. Whatever fails, every hit comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import tiny_config, unigram_tokenizer, write_checkpoint
from jrerank.cache import ScoreCache
from jrerank.domain import Candidate, Fusion, Outcome, RerankRequest, Window
from jrerank.encoding import Encoder
from jrerank.engines.engine import BatchLimit
from jrerank.errors import EngineError, InputTooLong, InvalidInput, StoreError, UnknownStore
from jrerank.models.checkpoint import load_checkpoint
from jrerank.reranker import Reranker
from jrerank.scheduler import Scheduler
from jrerank.stores.store import PassageStore
from jrerank.telemetry import Metrics

SKY, MOUNTAIN = (unigram_tokenizer().get_vocab()[piece] for piece in ("空", "富士山"))


class CountingEngine:
    """A logit is how often a pair says 空; one that says 富士山 breaks the run."""

    name, batch_limit = "counting", BatchLimit(windows=1, tokens=0)

    def __init__(self, delay_s: float = 0.0) -> None:
        self.workers, self.runs, self._delay_s = 2, 0, delay_s

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        self.runs += 1
        time.sleep(self._delay_s)
        return [
            EngineError("no mountains") if MOUNTAIN in window.ids else float(window.ids.count(SKY))
            for window in windows
        ]


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
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = write_checkpoint(tmp_path_factory.mktemp("model"), tiny_config())
    return Encoder(load_checkpoint(folder, "tiny"), 64)


@asynccontextmanager
async def reranking(
    encoder: Encoder,
    engine: CountingEngine | None = None,
    cache_bytes: int = 10**6,
    timeout_s: float = 30.0,
    **stores: PassageStore,
) -> AsyncIterator[Reranker]:
    metrics, cache = Metrics(), ScoreCache(cache_bytes)
    scheduler = Scheduler(engine or CountingEngine(), metrics, 10**9, cache.put)
    scheduler.start()
    try:
        yield Reranker(encoder, cache, scheduler, stores, metrics, timeout_s)
    finally:
        await asyncio.to_thread(scheduler.close)


def candidates(*passages: str | None) -> tuple[Candidate, ...]:
    return tuple(Candidate(str(index), passage) for index, passage in enumerate(passages))


async def test_the_model_decides_the_order(encoder: Encoder) -> None:
    async with reranking(encoder) as reranker:
        ranking = await reranker.rerank(RerankRequest("今日", candidates("海", "空空", "空"), top_n=2))
    assert [(hit.id, hit.logit) for hit in ranking.hits] == [("1", 2.0), ("2", 1.0)]
    assert (ranking.outcome, ranking.reason, ranking.missing) == (Outcome.COMPLETE, None, ())
    assert ranking.tokens > 0


async def test_a_pair_that_is_known_is_not_scored_again(encoder: Encoder) -> None:
    engine = CountingEngine()
    async with reranking(encoder, engine) as reranker:
        first = await reranker.rerank(RerankRequest("今日", candidates("空", "海", "空")))
        second = await reranker.rerank(RerankRequest("今日", candidates("海", "空")))
    assert engine.runs == 2
    assert (first.tokens, second.outcome) == (first.tokens, Outcome.COMPLETE)


@pytest.mark.parametrize("cache_bytes", [0, 10**6])
async def test_equal_pairs_that_are_asked_for_at_once_are_scored_once(
    cache_bytes: int, encoder: Encoder
) -> None:
    engine = CountingEngine(delay_s=0.05)
    async with reranking(encoder, engine, cache_bytes) as reranker:
        request = RerankRequest("今日", candidates("空", "海"))
        rankings = await asyncio.gather(*(reranker.rerank(request) for _ in range(8)))
    assert engine.runs == 2
    assert all(ranking == rankings[0] for ranking in rankings)


async def test_a_failed_run_costs_its_hit_the_new_place_only(encoder: Encoder) -> None:
    async with reranking(encoder) as reranker:
        ranking = await reranker.rerank(RerankRequest("今日", candidates("富士山", "海", "空")))
    assert [(hit.id, hit.scored) for hit in ranking.hits] == [("2", True), ("1", True), ("0", False)]
    assert (ranking.outcome, ranking.reason) == (Outcome.PARTIAL, "engine_error")


async def test_at_the_deadline_the_rest_keeps_its_old_order(encoder: Encoder) -> None:
    texts = [f"{i}" for i in range(500)]
    async with reranking(encoder, CountingEngine(delay_s=0.01), timeout_s=0.2) as reranker:
        ranking = await reranker.rerank(RerankRequest("今日", candidates(*texts)))
    assert (ranking.outcome, ranking.reason) == (Outcome.PARTIAL, "deadline")
    rest = [hit.index for hit in ranking.hits if not hit.scored]
    assert rest == sorted(rest)


async def test_a_deadline_that_is_over_on_an_idle_sidecar_is_no_overload(encoder: Encoder) -> None:
    late = RerankRequest("今日", candidates("空"), deadline=time.monotonic() - 1)
    async with reranking(encoder) as reranker:
        ranking = await reranker.rerank(late)
    assert (ranking.outcome, ranking.reason) == (Outcome.PASSTHROUGH, "deadline")


async def test_a_store_is_asked_once_for_what_is_missing(encoder: Encoder) -> None:
    shelf = Shelf({"a": "空", "b": "空空"})
    asked = (Candidate("a"), Candidate("sent", "空空空"), Candidate("b"), Candidate("a"))
    async with reranking(encoder, docs=shelf) as reranker:
        ranking = await reranker.rerank(RerankRequest("今日", asked, store="docs"))
        await reranker.rerank(RerankRequest("今日", candidates("空"), store="docs"))
    assert shelf.asked == [["a", "b"]]
    assert [hit.id for hit in ranking.hits] == ["sent", "b", "a", "a"]
    assert ranking.outcome is Outcome.COMPLETE


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
    trouble: Exception | float, reason: str, encoder: Encoder
) -> None:
    request = RerankRequest("今日", (Candidate("a"), Candidate("b", "空")), store="docs")
    async with reranking(encoder, timeout_s=1.0, docs=Shelf({}, trouble)) as reranker:
        ranking = await reranker.rerank(request)
    assert [(hit.id, hit.scored) for hit in ranking.hits] == [("b", True), ("a", False)]
    assert (ranking.outcome, ranking.reason, ranking.missing) == (Outcome.PARTIAL, reason, ("a",))


@pytest.mark.parametrize("store", [None, "docs"])
async def test_what_no_one_has_is_missing(store: str | None, encoder: Encoder) -> None:
    async with reranking(encoder, docs=Shelf({})) as reranker:
        ranking = await reranker.rerank(RerankRequest("今日", candidates(None, None), store=store))
    assert (ranking.outcome, ranking.reason) == (Outcome.PASSTHROUGH, "missing_passages")
    assert ranking.missing == ("0", "1")


async def test_what_makes_no_sense_is_refused(encoder: Encoder) -> None:
    async with reranking(encoder, docs=Shelf({})) as reranker:
        with pytest.raises(UnknownStore, match=r"no store 'other' \(docs\)"):
            await reranker.rerank(RerankRequest("今日", candidates("空"), store="other"))
        with pytest.raises(InvalidInput, match="has no score"):
            await reranker.rerank(RerankRequest("今日", candidates("空"), fusion=Fusion("linear")))
        with pytest.raises(InputTooLong):
            await reranker.rerank(RerankRequest("今日", candidates("空" * 100), truncation="refuse"))


async def test_requests_that_are_answered_together_get_what_each_would_alone(encoder: Encoder) -> None:
    requests = [RerankRequest(query, candidates("空", "海", "空空")) for query in ("今日", "空")]
    async with reranking(encoder) as reranker:
        together = await reranker.rerank_all(requests)
        assert together == [await reranker.rerank(request) for request in requests]
        assert await reranker.rerank_all([]) == []


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
    encoder: Encoder,
    passages: list[str | None],
    ids: list[str],
    top_n: int | None,
    fusion: Fusion | None,
    trouble: Exception | None,
) -> None:
    asked = tuple(Candidate(id, text, 1.0) for id, text in zip(ids, passages, strict=False))
    request = RerankRequest("今日", asked, top_n, fusion=fusion, store="docs")

    async def rerank() -> None:
        async with reranking(encoder, docs=Shelf({"a": "空"}, trouble)) as reranker:
            ranking = await reranker.rerank(request)
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
