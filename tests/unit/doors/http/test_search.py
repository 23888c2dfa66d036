"""`POST /v1/search/{store}` over HTTP; before a server that speaks as Elasticsearch does in tests/integration/http."""

from __future__ import annotations

import dataclasses
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
    response = await post(service, Shelf([]), body, path, filter_path="hits")
    assert (response.status_code, response.json()["error"]["field"]) == (422, "filter_path")


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
