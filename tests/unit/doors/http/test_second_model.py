"""A second model changes the order of every shape, and nothing else of it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jrerank.assembly import running_service
from jrerank.models.recommendation import RECOMMENDATION_FILE
from shelf import Shelf
from tiny import client_of, second_tiny_model, tiny_http, tiny_settings

TEXTS = ["晴れ", "富士山の高さ", "空", "今日の天気は？", "海"]
DOCUMENTS = {"query": "空", "documents": TEXTS}
HITS = {"query": "空", "hits": [{"id": str(place), "text": text} for place, text in enumerate(TEXTS)]}
BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "cohere": ("/v2/rerank", {"model": "rerank-v3.5", **DOCUMENTS}),
    "jina": ("/v1/rerank", {"model": "jina", **DOCUMENTS, "return_documents": True}),
    "voyage": ("/v1/rerank", {"model": "rerank-2", **DOCUMENTS, "top_k": 5}),
    "tei": ("/rerank", {"query": "空", "texts": TEXTS}),
    "vllm": ("/score", {"text_1": "空", "text_2": TEXTS}),
    "hits": ("/v1/hits", HITS),
    "columns": ("/v1/columns", {"queries": ["空", "海"], "texts": TEXTS}),
}
SECOND = {"second_read", "second_score"}


@pytest.fixture
async def second_http(tiny_folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with tiny_http(tiny_folder, **second_tiny_model(tiny_folder)) as client:
        yield client


def shape(content: Any) -> Any:
    """The names and kinds of all that is in it."""
    match content:
        case dict():
            return {name: shape(value) for name, value in content.items() if name not in SECOND}
        case list():
            return [shape(value) for value in content]
        case _:
            return type(content)


@pytest.mark.parametrize("name", BODIES)
async def test_a_shape_is_the_same_with_a_second_model(
    name: str, http: httpx.AsyncClient, second_http: httpx.AsyncClient
) -> None:
    path, body = BODIES[name]
    alone, both = [await client.post(path, json=body) for client in (http, second_http)]
    assert (alone.status_code, both.status_code) == (200, 200)
    assert shape(both.json()) == shape(alone.json())
    assert "x-jrerank-second-read" not in alone.headers
    assert both.headers["x-jrerank-second-read"] == "3"
    assert both.headers["x-jrerank-outcome"] == "complete"


async def test_scores_fall_in_the_first_models_scale(
    http: httpx.AsyncClient, second_http: httpx.AsyncClient
) -> None:
    path, body = BODIES["cohere"]
    alone, both = [(await client.post(path, json=body)).json()["results"] for client in (http, second_http)]
    scores = [result["relevance_score"] for result in both]
    assert scores == [result["relevance_score"] for result in alone]
    assert {result["index"] for result in both[:3]} == {result["index"] for result in alone[:3]}
    assert [result["index"] for result in both[3:]] == [result["index"] for result in alone[3:]]


async def test_hits_tell_what_the_second_model_says_of_them(second_http: httpx.AsyncClient) -> None:
    answer = (await second_http.post("/v1/hits", json=HITS)).json()
    assert answer["second_read"] == 3
    second = [hit.get("second_score") for hit in answer["hits"]]
    assert second[:3] == sorted(second[:3], reverse=True)
    assert all(0 <= score <= 1 for score in second[:3])
    assert second[3:] == [None, None]


async def test_columns_tell_of_each_query(second_http: httpx.AsyncClient) -> None:
    answer = (await second_http.post("/v1/columns", json=BODIES["columns"][1])).json()
    assert [ranking["second_read"] for ranking in answer["rankings"]] == [3, 3]


async def test_a_search_that_is_reranked_at_the_door_has_it_too(tiny_folder: Path) -> None:
    body = {"query": {"match": {"body": "空"}}}
    markers, orders = [], []
    for changes in ({}, second_tiny_model(tiny_folder)):
        async with running_service(tiny_settings(tiny_folder, **changes)) as service:
            searchable = dataclasses.replace(service, searches={"docs": Shelf(TEXTS)})
            async with client_of(searchable) as client:
                content = (await client.post("/v1/search/docs", json=body)).json()
        markers.append(content["ext"]["jrerank"])
        orders.append([hit["_id"] for hit in content["hits"]["hits"]])
    assert "second_read" not in markers[0]
    assert (markers[1]["outcome"], markers[1]["second_read"]) == ("complete", 3)
    assert set(orders[1][:3]) == set(orders[0][:3])
    assert orders[1][3:] == orders[0][3:]


async def test_both_models_are_listed(tiny_folder: Path, second_http: httpx.AsyncClient) -> None:
    second = str(tiny_folder / "second")
    names = [model["id"] for model in (await second_http.get("/v1/models")).json()["data"]]
    assert names == [str(tiny_folder / "model"), second]
    assert (await second_http.get(f"/v1/models/{second}")).json()["id"] == second
    info = (await second_http.get("/info")).json()
    assert (info["model_id"], info["second_model"]["model_id"], info["second_model"]["depth"]) == (*names, 3)
    assert info["second_model"]["precision"] == "fp32"


async def test_each_model_has_its_own_windows(tmp_path: Path) -> None:
    second = second_tiny_model(tmp_path)
    (tmp_path / "second" / RECOMMENDATION_FILE).write_text('{"window_tokens": 20}', encoding="utf-8")
    async with tiny_http(tmp_path, window_tokens=32, **second) as client:
        info = (await client.get("/info")).json()
    assert (info["window_tokens"], info["second_model"]["window_tokens"]) == (32, 20)
