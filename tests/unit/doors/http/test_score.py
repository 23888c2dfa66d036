"""vLLM's score API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.http.score import ScoreBody
from jrerank.errors import InvalidInput

TEXTS = st.lists(st.text(max_size=3), max_size=5)


async def ask(http: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await http.post("/v1/score", json=body)


@pytest.mark.parametrize(
    ("first", "second", "pairs"),
    [
        ("a", "b", [("a", "b")]),
        ("a", ["b", "c"], [("a", "b"), ("a", "c")]),
        (["a"], ["b", "c"], [("a", "b"), ("a", "c")]),
        (["a", "b"], ["c", "d"], [("a", "c"), ("b", "d")]),
        ([], [], []),
        ("a", [], []),
    ],
)
def test_which_texts_belong_together(first: Any, second: Any, pairs: list[tuple[str, str]]) -> None:
    assert ScoreBody(text_1=first, text_2=second).pairs() == pairs


@given(TEXTS, TEXTS)
def test_other_numbers_of_texts_are_refused(first: list[str], second: list[str]) -> None:
    body = ScoreBody(text_1=first, text_2=second)
    if len(first) in {1, len(second)}:
        assert [passage for _, passage in body.pairs()] == second
    else:
        with pytest.raises(InvalidInput, match=f"text_1 has {len(first)} texts and text_2 {len(second)}"):
            body.pairs()


async def test_scores_stand_in_input_order_whichever_query_they_are_of(http: httpx.AsyncClient) -> None:
    first, second = ["空", "富士山", "空"], ["晴れ", "高さ", "今日"]
    content = (await ask(http, text_1=first, text_2=second)).json()
    alone = [
        (await ask(http, text_1=query, text_2=text)).json()["data"][0]["score"]
        for query, text in zip(first, second, strict=True)
    ]
    assert [one["index"] for one in content["data"]] == [0, 1, 2]
    assert [one["score"] for one in content["data"]] == alone


async def test_many_queries_are_one_request(http: httpx.AsyncClient) -> None:
    queries = [f"空{i}" for i in range(300)]
    response = await ask(http, text_1=queries, text_2=queries)
    assert response.headers["x-jrerank-outcome"] == "complete"
    assert len(response.json()["data"]) == 300
    counted = (await http.get("/metrics")).text
    assert 'jrerank_requests_total{door="score",outcome="complete"} 1.0' in counted
    assert "jrerank_request_documents_sum 300.0" in counted


async def test_an_error_is_openais(http: httpx.AsyncClient) -> None:
    response = await ask(http, text_1="a", text_2=["b", 3])
    assert response.json()["error"] == {
        "message": "text_2.1: Input should be a valid string (got 3)",
        "type": "BadRequestError",
        "param": "text_2.1",
        "code": 422,
    }


async def test_both_texts_have_limits(http: httpx.AsyncClient) -> None:
    query = await ask(http, text_1="空" * 10_001, text_2="b")
    many = await ask(http, text_1="a", text_2=["b"] * 10_001)
    assert (query.status_code, query.json()["error"]["param"]) == (413, "text_1")
    assert (many.status_code, many.json()["error"]["param"]) == (413, "text_2")


async def test_nothing_to_score_is_complete(http: httpx.AsyncClient) -> None:
    response = await ask(http, text_1=[], text_2=[])
    assert (response.json()["data"], response.headers["x-jrerank-outcome"]) == ([], "complete")
