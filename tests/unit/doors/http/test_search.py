"""`POST /v1/search/{store}` over HTTP; before a server that speaks as Elasticsearch does in tests/integration/http."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import httpx
import pytest

from jrerank.doors.service import Service
from jrerank.stores.search import EngineReply
from shelf import Shelf
from tiny import client_of

MATCH: dict[str, Any] = {"query": {"match": {"body": "天気"}}}


async def post(
    service: Service, shelf: Shelf, body: dict[str, Any] | str, path: str = "", **parameters: str
) -> httpx.Response:
    async with client_of(dataclasses.replace(service, searches={"docs": shelf})) as http:
        sent: dict[str, Any] = {"json": body} if isinstance(body, dict) else {"content": body}
        headers = {} if isinstance(body, dict) else {"content-type": "application/x-ndjson"}
        return await http.post(f"/v1/search/docs{path}", params=parameters, headers=headers, **sent)


async def test_the_answer_says_what_became_of_it_in_body_and_header(service: Service) -> None:
    response = await post(service, Shelf(["晴れ", "雨"]), MATCH)
    assert response.headers["x-jrerank-outcome"] == response.json()["ext"]["jrerank"]["outcome"] == "complete"


async def test_parameters_are_passed_on_and_the_index_is_chosen(service: Service) -> None:
    shelf = Shelf([])
    await post(service, shelf, MATCH, index="faq", routing="a", track_total_hits="false")
    ((index, _, parameters),) = shelf.asked
    assert (index, parameters) == ("faq", {"routing": "a", "track_total_hits": "false"})


async def test_several(service: Service) -> None:
    shelf = Shelf(["晴れ"])
    response = await post(service, shelf, '{}\n{"size": 0}\n', "/_msearch", typed_keys="true")
    assert response.json()["responses"][0]["ext"]["jrerank"]["reason"] == "size_zero"
    assert shelf.asked[0][1] == {"typed_keys": "true"}


@pytest.mark.parametrize("path", ["", "/_msearch"])
async def test_other_parameters_are_refused_by_name(service: Service, path: str) -> None:
    body: dict[str, Any] | str = "{}\n{}\n" if path else MATCH
    response = await post(service, Shelf([]), body, path, bogus="x")
    assert (response.status_code, response.json()["error"]["field"]) == (422, "bogus")


async def test_what_the_engine_says_in_text_comes_as_text(service: Service) -> None:
    response = await post(service, Shelf([], EngineReply(502, "Bad Gateway")), MATCH)
    assert (response.status_code, response.text) == (502, "Bad Gateway")
    assert response.headers["content-type"].startswith("text/plain")


async def test_half_a_surrogate_pair_is_answered(service: Service) -> None:
    response = await post(service, Shelf(["晴れ\ud83d"]), MATCH)
    assert response.json()["hits"]["hits"][0]["_source"]["body"] == "晴れ\ud83d"


async def test_a_store_that_is_not_open_is_not_there(service: Service, http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/search/docs", json=MATCH)
    assert (response.status_code, response.json()["error"]["field"]) == (404, "store")


DEEP = ".".join("a" * 2_000)
BEYOND: dict[str, tuple[dict[str, Any], str]] = {
    "a path of 20,000 parts": (
        {"rerank": {"query_text_path": ".".join("a" * 20_000)}},
        "rerank.query_text_path",
    ),
    "a path of 2,000 dots": ({"rerank": {"passage_fields": [DEEP[:59]]}}, "rerank.passage_fields.0"),
    "500 paths": ({"rerank": {"passage_fields": ["a"] * 500}}, "rerank.passage_fields"),
    "a megabyte of numbers": ({"rerank": {"passage_fields": [1] * 300_000}}, "rerank.passage_fields"),
    "in ext too": ({"ext": {"jrerank": {"passage_fields": ["a"] * 500}}}, "ext.jrerank.passage_fields"),
    "2,000 patterns of stars": ({"_source": [f"*a*{place}*" for place in range(2_000)]}, "_source"),
    "60 stars": ({"_source": {"excludes": ["*" * 60]}}, "_source"),
    "a pattern of 2,000 dots": ({"_source": {"includes": [DEEP]}}, "_source"),
}


@pytest.mark.parametrize("kind", BEYOND)
async def test_what_would_take_long_for_each_hit_is_refused_by_name(service: Service, kind: str) -> None:
    body, field = BEYOND[kind]
    response = await post(service, Shelf(["晴れ"]), MATCH | body)
    assert (response.status_code, response.json()["error"]["field"]) == (422, field), response.text
    assert len(response.text) < 1_000


async def test_what_is_the_engines_own_is_not_where_nothing_is_reranked(service: Service) -> None:
    body, _ = BEYOND["2,000 patterns of stars"]
    response = await post(service, Shelf(["晴れ"]), MATCH | body | {"rerank": {"enabled": False}})
    assert response.status_code == 200


MALFORMED: dict[str, Any] = {
    "hits are a number": {"hits": 5},
    "a list of hits is a text": {"hits": {"hits": "no"}},
    "a hit is a number": {"hits": {"hits": [5]}},
    "a score is a text": {"hits": {"hits": [{"_id": "1", "_score": "high", "_source": {"body": "a"}}]}},
    "a score is a list": {"hits": {"hits": [{"_id": "1", "_score": [1], "_source": {"body": "a"}}]}},
    "fields are a list": {"hits": {"hits": [{"_id": "1", "_score": 1.0, "fields": [1]}]}},
    "ext is a list": {"hits": {"hits": []}, "ext": [1]},
}


@pytest.mark.parametrize("kind", MALFORMED)
async def test_hits_that_no_engine_sends_are_handed_on_as_they_came(service: Service, kind: str) -> None:
    body = MATCH | {"rerank": {"hit_details": True, "fusion": {"method": "linear"}}}
    response = await post(service, Shelf([], EngineReply(200, MALFORMED[kind])), body)
    assert (response.status_code, response.json()) == (200, MALFORMED[kind])
    replies = {"responses": [MALFORMED[kind], 5]}
    lines = f"{{}}\n{json.dumps(body)}\n" * 2
    several = await post(service, Shelf([], EngineReply(200, replies)), lines, "/_msearch")
    assert (several.status_code, several.json()) == (200, replies)


async def test_no_more_searches_are_made_at_once_than_engines_take(service: Service) -> None:
    many = await post(service, Shelf([]), "{}\n" * 1_002, "/_msearch")
    assert (many.status_code, many.json()["error"]["type"]) == (413, "too_large")
