"""text-embeddings-inference's shape: a bare array."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from jrerank.domain import sigmoid
from jrerank.doors.http.tei import TeiBody

TEXTS = ["晴れです。", "富士山の高さ", "今日の天気は晴れ"]


async def ask(http: httpx.AsyncClient, **body: Any) -> Any:
    response = await http.post("/rerank", json={"query": "今日の天気", "texts": TEXTS} | body)
    assert response.status_code == 200, response.text
    return response.json()


async def test_results_are_sorted_and_have_no_more_than_was_asked_for(http: httpx.AsyncClient) -> None:
    results = await ask(http)
    assert sorted(result["index"] for result in results) == [0, 1, 2]
    assert all(set(result) == {"index", "score"} for result in results)
    assert results == sorted(results, key=lambda result: -result["score"])


async def test_texts_come_back_when_asked_for(http: httpx.AsyncClient) -> None:
    results = await ask(http, return_text=True)
    assert [result["text"] for result in results] == [TEXTS[result["index"]] for result in results]


async def test_raw_scores_are_the_logits(http: httpx.AsyncClient) -> None:
    raw, scores = await ask(http, raw_scores=True), await ask(http)
    assert [one["index"] for one in raw] == [one["index"] for one in scores]
    for logit, score in zip(raw, scores, strict=True):
        assert sigmoid(logit["score"]) == pytest.approx(score["score"], rel=1e-6)


async def test_the_timeout_is_one_of_ours(http: httpx.AsyncClient) -> None:
    response = await http.post(
        "/rerank", json={"query": "空", "texts": [f"{i}" for i in range(2000)], "timeout_ms": 60}
    )
    assert response.headers["x-jrerank-reason"] == "deadline"
    assert len(response.json()) == 2000


@pytest.mark.parametrize(
    ("options", "truncation"),
    [
        ({}, "right"),
        ({"truncate": True}, "right"),
        ({"truncation_direction": "Left"}, "left"),
        ({"truncate": False, "truncation_direction": "left"}, "refuse"),
    ],
)
def test_how_a_long_text_is_cut(options: dict[str, Any], truncation: str) -> None:
    assert TeiBody(query="q", texts=[], **options).truncation == truncation
