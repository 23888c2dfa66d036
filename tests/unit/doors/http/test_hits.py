"""`POST /v1/hits` over HTTP; what its fields mean is in ../test_native.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from jrerank.doors.turns import Turns

HITS = [{"id": "a", "text": "晴れ", "score": 2.0}, {"id": "b", "text": "富士山", "score": 1.0}]


async def test_hits_come_back_with_the_outcome_in_body_and_header(http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/hits", json={"query": "空", "hits": HITS})
    content = response.json()
    assert response.headers["x-jrerank-outcome"] == content["outcome"] == "complete"
    assert {hit["id"] for hit in content["hits"]} == {"a", "b"}
    assert content["took_ms"] > 0


@pytest.mark.parametrize("timeout_ms", [None, 60_000])
async def test_the_proxys_patience_bounds_what_the_body_asks_for(
    timeout_ms: int | None, http: httpx.AsyncClient
) -> None:
    hits = [{"id": str(i), "text": f"{i}"} for i in range(2000)]
    response = await http.post(
        "/v1/hits",
        json={"query": "空", "hits": hits, "timeout_ms": timeout_ms},
        headers={"x-envoy-expected-rq-timeout-ms": "60"},
    )
    assert response.json()["reason"] == "deadline"
    assert len(response.json()["hits"]) == 2000


async def test_whose_time_is_up_before_its_turn_gets_its_hits_in_the_old_order(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = asyncio.Event()

    async def wait(_: Turns, has_left: object, caller: str) -> None:
        await turn.wait()

    monkeypatch.setattr(Turns, "new", wait)
    body = {"query": "空", "hits": HITS, "timeout_ms": 10}
    asked = asyncio.create_task(http.post("/v1/hits", json=body))
    asyncio.get_running_loop().call_later(0.02, turn.set)
    answer = (await asked).json()
    assert (answer["outcome"], answer["reason"]) == ("passthrough", "deadline")
    assert [hit["id"] for hit in answer["hits"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"query": "空", "hits": [], "timeout_ms": 10}', 429),
        ('{"this is not even looked at, "timeout_ms": 10}', 429),
        ('{"query": "空", "hits": [], "timeout_ms": 60000}', 200),
        ('{"query": "空", "hits": []}', 200),
    ],
)
async def test_it_is_not_even_parsed_where_others_wait_behind_it(
    body: str, status: int, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wait(_: Turns, has_left: object, caller: str) -> None:
        await asyncio.sleep(0.1)

    monkeypatch.setattr(Turns, "new", wait)
    monkeypatch.setattr(Turns, "are_awaited", True)
    answer = await http.post("/v1/hits", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert ("retry-after" in answer.headers) == (status == 429)


async def test_a_slow_upload_is_not_a_wait_for_others(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def uploaded() -> AsyncIterator[bytes]:
        yield b'{"query": "x", "timeout_ms": 60, "hits": [{"id": "a", "text": "x"}'
        await asyncio.sleep(0.1)
        yield b', {"id": "b", "text": "y"}]}'

    monkeypatch.setattr(Turns, "are_awaited", True)
    answer = await http.post("/v1/hits", content=uploaded(), headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert (answer.json()["outcome"], answer.json()["reason"]) == ("passthrough", "deadline")
    assert [hit["id"] for hit in answer.json()["hits"]] == ["a", "b"]


async def test_no_first_stage_score_is_too_large_for_json(http: httpx.AsyncClient) -> None:
    hits = [{"id": "a", "text": "空", "score": 1.7e308}, {"id": "b", "text": "空", "score": -1.7e308}]
    fusion = {"method": "linear", "weight": 1e6}
    response = await http.post("/v1/hits", json={"query": "空", "hits": hits, "fusion": fusion})
    assert [hit["id"] for hit in response.json()["hits"]] == ["a", "b"]


async def test_columns_give_the_same_order_for_each_query(http: httpx.AsyncClient) -> None:
    queries, texts = ["空", "富士山の高さ"], [hit["text"] for hit in HITS]
    response = await http.post("/v1/columns", json={"queries": queries, "texts": texts})
    assert response.headers["x-jrerank-outcome"] == "complete"
    for query, ranking in zip(queries, response.json()["rankings"], strict=True):
        alone = (await http.post("/v1/hits", json={"query": query, "hits": HITS})).json()["hits"]
        assert ranking["first_ranks"] == [hit["first_rank"] for hit in alone]
        assert ranking["scores"] == [hit["score"] for hit in alone]


async def test_the_headers_tell_of_the_query_that_fared_worst(http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/columns", json={"queries": ["空", " "], "texts": ["晴れ"]})
    assert response.headers["x-jrerank-outcome"] == "passthrough"
    assert [ranking["outcome"] for ranking in response.json()["rankings"]] == ["complete", "passthrough"]
