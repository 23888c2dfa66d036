"""`/v1/rerank` and `/v2/rerank`: one body, whose names tell who is asking."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from jrerank.doors.http.cohere import RerankBody
from jrerank.errors import InvalidInput

DOCUMENTS = ["晴れです。", "富士山の高さ", "今日の天気は晴れ"]


async def ask(http: httpx.AsyncClient, path: str = "/v1/rerank", **body: Any) -> Any:
    response = await http.post(path, json={"query": "今日の天気", "documents": DOCUMENTS} | body)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize(("path", "version"), [("/v1/rerank", "1"), ("/v2/rerank", "2"), ("/rerank", "1")])
async def test_every_path_has_all_that_clients_look_for(
    path: str, version: str, http: httpx.AsyncClient
) -> None:
    content = await ask(http, path, model="rerank-v3.5")
    scores = [result["relevance_score"] for result in content["results"]]
    assert scores == sorted(scores, reverse=True)
    assert sorted(result["index"] for result in content["results"]) == [0, 1, 2]
    assert content["meta"]["api_version"]["version"] == version
    assert content["usage"]["total_tokens"] == content["usage"]["prompt_tokens"] > 0
    assert content["model"].endswith("model"), "the model that served, not the one that was named"


@pytest.mark.parametrize(("documents", "units"), [(0, 1), (1, 1), (100, 1), (101, 2)])
async def test_a_search_unit_is_a_hundred_documents(
    documents: int, units: int, http: httpx.AsyncClient
) -> None:
    content = await ask(http, documents=["空"] * documents)
    assert content["meta"]["billed_units"]["search_units"] == units


async def test_only_voyage_gets_data_and_bare_documents(http: httpx.AsyncClient) -> None:
    cohere = await ask(http, top_n=1, return_documents=True)
    voyage = await ask(http, top_k=1, return_documents=True)
    assert (len(cohere["results"]), "data" in cohere) == (1, False)
    assert (len(voyage["data"]), "results" in voyage) == (1, False)
    assert cohere["results"][0]["document"] == {"text": voyage["data"][0]["document"]}


@pytest.mark.parametrize(
    ("options", "voyage"),
    [
        ({}, False),
        ({"model": "rerank-v3.5", "top_n": 1}, False),
        ({"model": "rerank-multilingual-v3.0"}, False),
        ({"model": "rerank-2.5-lite"}, True),
        ({"model": "rerank-lite-1"}, True),
        ({"truncation": True}, True),
        ({"top_k": 1}, True),
    ],
)
def test_voyage_is_known_by_its_names(options: dict[str, Any], voyage: bool) -> None:
    assert RerankBody(query="q", documents=[], **options).speaks_voyage is voyage


async def test_documents_come_back_only_when_asked_for(http: httpx.AsyncClient) -> None:
    assert all("document" not in result for result in (await ask(http))["results"])


async def test_what_may_not_be_cut_is_refused_for_voyage(http: httpx.AsyncClient) -> None:
    body = {"query": "空", "documents": ["空", "富士山" * 2000]}
    refused = await http.post("/v1/rerank", json=body | {"truncation": False})
    assert (refused.status_code, "text 1" in refused.json()["message"]) == (413, True)
    assert (await http.post("/v1/rerank", json=body | {"truncation": True})).status_code == 200


def texts(documents: list[Any], rank_fields: list[str] | None = None) -> list[str]:
    return RerankBody(query="q", documents=documents, rank_fields=rank_fields).texts()


def test_a_document_object_is_read_by_its_text() -> None:
    assert texts(["a", {"text": "b", "url": "c"}]) == ["a", "b"]


def test_rank_fields_are_joined_in_their_order_and_may_be_absent() -> None:
    documents = [{"title": "t", "body": "b"}, {"body": "only"}, {"title": None, "body": {"n": "１"}}]
    assert texts(documents, ["title", "body"]) == ["t\nb", "only", '{"n": "１"}']


def test_an_object_without_any_of_the_fields_is_named() -> None:
    with pytest.raises(InvalidInput, match="none of the fields text") as caught:
        texts(["a", {"title": "t"}])
    assert caught.value.field == "documents.1"


async def test_a_partial_answer_is_sorted_and_says_so(http: httpx.AsyncClient) -> None:
    response = await http.post(
        "/v1/rerank", json={"query": "空", "documents": [f"{i}" for i in range(2000)], "timeout_ms": 60}
    )
    scores = [result["relevance_score"] for result in response.json()["results"]]
    assert response.headers["x-jrerank-outcome"] in {"partial", "passthrough"}
    assert response.headers["x-jrerank-reason"] == "deadline"
    assert len(scores) == 2000
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0
