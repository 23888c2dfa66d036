"""The model in this process, and its own doors in each dialect, which have to agree."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from jrerank.bench.quality.scorers import (
    DIALECTS,
    Dialect,
    LocalScorer,
    RemoteScorer,
    local_scorer,
    read_scores,
)
from jrerank.errors import InvalidInput, Unavailable
from tiny import tiny_http, tiny_settings
from unit.bench.collections import small_collection

PATHS: dict[Dialect, str] = {"hits": "/v1/hits", "cohere": "/v1/rerank", "tei": "/rerank"}
CANDIDATES = small_collection().hits["q0"]


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with tiny_http(tmp_path) as client:
        yield client


async def test_all_dialects_of_a_sidecar_give_the_scores_of_its_model(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    async with local_scorer(tiny_settings(tmp_path)) as local:
        expected = await local.score("富士山", CANDIDATES)
        assert "fp32" in local.description
    assert expected.tokens > 0
    for dialect in DIALECTS:
        remote = RemoteScorer(dialect, f"http://localhost{PATHS[dialect]}", dialect, None, client)
        scores = await remote.score("富士山", CANDIDATES)
        assert scores.logits == pytest.approx(expected.logits, abs=1e-4), dialect


async def test_a_refusal_and_another_dialect_are_told_apart(client: httpx.AsyncClient) -> None:
    missing = RemoteScorer("x", "http://localhost/v1/nothing", "hits", None, client)
    with pytest.raises(Unavailable, match="answered 404"):
        await missing.score("富士山", CANDIDATES)
    with pytest.raises(InvalidInput, match="does not speak tei"):
        await RemoteScorer("x", "http://localhost/health", "tei", None, _GetClient(client)).score(
            "富士山", CANDIDATES
        )


class _GetClient(httpx.AsyncClient):
    """Asks an endpoint that answers, but is no reranker."""

    def __init__(self, inner: httpx.AsyncClient) -> None:
        super().__init__()
        self._inner = inner

    async def post(self, url: httpx.URL | str, **_: object) -> httpx.Response:
        return await self._inner.get(url)


def test_scores_from_0_to_1_become_logits_and_others_stay() -> None:
    answer = {"results": [{"index": 1, "relevance_score": 0.25}, {"index": 0, "relevance_score": 1.0}]}
    first, second = read_scores("cohere", answer, 2)
    assert second == pytest.approx(math.log(0.25 / 0.75))
    assert first is not None
    assert first > 20
    assert read_scores("tei", [{"index": 0, "score": -3.5}], 1) == (-3.5,)


@pytest.mark.parametrize(
    ("dialect", "answer"),
    [
        ("cohere", {"results": [{"index": 0, "relevance_score": 0.5}]}),
        ("tei", [{"index": 0, "score": 1}]),
        ("hits", {"hits": []}),
    ],
)
def test_an_answer_that_leaves_a_document_out_is_no_answer(dialect: Dialect, answer: object) -> None:
    with pytest.raises(ValueError, match="has no score"):
        read_scores(dialect, answer, 2)


async def test_scores_are_not_taken_for_those_of_another_engine_or_of_other_workers(tmp_path: Path) -> None:
    keys = set()
    for changes in ({}, {"workers": 2}, {"engine": "torch"}):
        async with local_scorer(tiny_settings(tmp_path, **changes)) as scorer:
            keys.add(scorer.key)
    assert len(keys) == 3


async def test_where_the_gate_refuses_int8_the_row_is_named_by_what_serves(tmp_path: Path) -> None:
    strict = tiny_settings(tmp_path, precision="int8", gate_max_score_shift=1e-9)
    async with local_scorer(strict) as scorer:
        assert scorer.name == "model fp32"
        assert scorer.notes == (
            "model fp32: int8 was asked for, but does not serve here; these are the figures of fp32",
        )


async def test_a_local_model_needs_no_cache(tmp_path: Path) -> None:
    async with local_scorer(tiny_settings(tmp_path)) as scorer:
        assert isinstance(scorer, LocalScorer)
        first, second = [await scorer.score("富士山", CANDIDATES) for _ in range(2)]
    assert first.logits == second.logits
    assert first.tokens == second.tokens, "a second time it is read again"
