"""What each dialect's clients look for in an answer."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from jrerank.doors.http.dialects.fields import PARTS
from jrerank.doors.http.dialects.table import DIALECTS

TEXTS = ["晴れです。", "富士山の高さ", "今日の天気は晴れ"]
ASK: dict[str, Any] = {"query": "今日の天気", "documents": TEXTS}


async def ask(http: httpx.AsyncClient, path: str, body: dict[str, Any] = ASK, **more: Any) -> Any:
    response = await http.post(path, json=body | more)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_dialect_names_parts_that_there_are(dialect: Any) -> None:
    assert set(dialect.request) <= set(PARTS)
    assert {"query", "documents", "model", "timeout_ms"} <= set(dialect.request)


def test_dialects_that_share_a_path_call_their_documents_differently() -> None:
    named = Counter(
        (path, name)
        for dialect in DIALECTS
        for path in dialect.paths
        for name in dialect.request["documents"]
    )
    assert set(named.values()) == {1}


DOCUMENT_PATHS = ("/rerank", "/v1/rerank", "/v2/rerank", "/reranking", "/v1/reranking", "/v1/reranks")


@pytest.mark.parametrize("path", DOCUMENT_PATHS)
@pytest.mark.parametrize("model", [None, "rerank-v3.5", "rerank-2.5", "jina-reranker-v2-base-multilingual"])
async def test_whatever_the_model_is_called_each_client_finds_its_list(
    path: str, model: str | None, http: httpx.AsyncClient
) -> None:
    content = await ask(http, path, model=model, top_k=2)
    assert [row["index"] for row in content["results"]] == [row["index"] for row in content["data"]]
    scores = [row["relevance_score"] for row in content["results"]]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)
    assert content["usage"]["total_tokens"] == content["usage"]["prompt_tokens"] > 0
    assert content["meta"]["tokens"]["input_tokens"] == content["usage"]["total_tokens"]
    assert content["meta"]["api_version"]["version"] == ("2" if path == "/v2/rerank" else "1")
    assert content["model"].endswith("model"), "the model that served, not the one that was named"


@pytest.mark.parametrize(("documents", "units"), [(0, 1), (1, 1), (100, 1), (101, 2)])
async def test_a_search_unit_is_a_hundred_documents(
    documents: int, units: int, http: httpx.AsyncClient
) -> None:
    content = await ask(http, "/v1/rerank", documents=["空"] * documents)
    assert content["meta"]["billed_units"]["search_units"] == units


@pytest.mark.parametrize(
    ("echo", "in_results", "in_data"), [(None, True, False), (True, True, True), (False, False, False)]
)
async def test_vllm_and_jina_get_documents_without_asking(
    echo: bool | None, in_results: bool, in_data: bool, http: httpx.AsyncClient
) -> None:
    content = await ask(http, "/v1/rerank", documents=["空"], return_documents=echo)
    assert content["results"][0].get("document") == ({"text": "空"} if in_results else None)
    assert content["data"][0].get("document") == ("空" if in_data else None)


async def test_an_object_comes_back_as_it_was_sent(http: httpx.AsyncClient) -> None:
    document = {"text": "空", "n": 1}
    content = await ask(http, "/rerank", documents=[document], return_documents=True)
    assert content["results"][0]["document"] == content["data"][0]["document"] == document


async def test_infinitys_documents_are_bare(http: httpx.AsyncClient) -> None:
    content = await ask(http, "/infinity/rerank", documents=["空"], return_documents=True)
    assert content["object"] == "rerank"
    assert content["results"] == [content["results"][0] | {"index": 0, "document": "空"}]


async def test_text_embeddings_inference_gets_a_bare_array(http: httpx.AsyncClient) -> None:
    body = {"query": "今日の天気", "texts": TEXTS}
    for path in ("/rerank", "/v1/rerank"):
        rows = await ask(http, path, body)
        assert all(set(row) == {"index", "score"} for row in rows)
        assert rows == sorted(rows, key=lambda row: -row["score"])
    rows = await ask(http, "/rerank", body, return_text=True)
    assert [row["text"] for row in rows] == [TEXTS[row["index"]] for row in rows]


async def test_mixedbread(http: httpx.AsyncClient) -> None:
    body = {"query": "今日の天気", "input": TEXTS, "top_k": 1, "return_input": True}
    content = await ask(http, "/v1/reranking", body)
    assert (content["object"], content["top_k"], len(content["data"])) == ("list", 1, 1)
    assert content["data"][0]["object"] == "rank_result"
    assert content["data"][0]["input"] == TEXTS[content["data"][0]["index"]]


@pytest.mark.parametrize("path", ["/v1/ranking", "/v1/retrieval/nvidia/any-model/reranking"])
async def test_nim_gets_logits(path: str, http: httpx.AsyncClient) -> None:
    body = {
        "query": {"text": "今日の天気"},
        "passages": [{"text": text} for text in TEXTS],
        "truncate": "END",
    }
    rankings = (await ask(http, path, body))["rankings"]
    raw = await ask(http, "/rerank", {"query": "今日の天気", "texts": TEXTS, "raw_scores": True})
    assert rankings == [{"index": row["index"], "logit": row["score"]} for row in raw]


async def test_dashscope(http: httpx.AsyncClient) -> None:
    body = {"input": ASK, "parameters": {"top_n": 1, "return_documents": True}}
    content = await ask(http, "/api/v1/services/rerank/text-rerank/text-rerank", body)
    (row,) = content["output"]["results"]
    assert row["document"] == {"text": TEXTS[row["index"]]}
    assert content["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("queries", [["今日の天気"], ["今日の天気"] * 3])
async def test_deepinfra_and_vllm_get_scores_in_input_order(
    queries: list[str], http: httpx.AsyncClient
) -> None:
    ranked = {row["index"]: row["relevance_score"] for row in (await ask(http, "/v1/rerank"))["results"]}
    in_order = [ranked[index] for index in range(3)]
    body = {"queries": queries, "documents": TEXTS}
    assert (await ask(http, "/v1/inference/any/model", body))["scores"] == in_order
    data = (await ask(http, "/score", body))["data"]
    assert [row["score"] for row in data] == in_order
    assert [(row["index"], row["object"]) for row in data] == [(0, "score"), (1, "score"), (2, "score")]
