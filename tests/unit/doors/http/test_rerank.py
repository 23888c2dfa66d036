"""The routes of the dialects: whom an answer is counted for, which shape an error has."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from jrerank.domain import Outcome, RankedHit, Ranking, sigmoid
from jrerank.doors.http.rerank import in_input_order
from tiny import tiny_http

TEXTS = ["晴れです。", "富士山の高さ", "今日の天気は晴れ"]


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ({"query": "空", "texts": ["空"]}, list),
        ({"query": "空", "documents": ["空"]}, dict),
        ({"query": "空", "documents": ["空"], "texts": ["空"]}, list),
    ],
)
async def test_the_name_of_the_documents_tells_the_dialect(
    body: dict[str, Any], shape: type, http: httpx.AsyncClient
) -> None:
    assert isinstance((await http.post("/rerank", json=body)).json(), shape)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"texts": ["空"]}, "query: Field required"),
        (
            {"query": "空", "texts": [[]]},
            "texts.0: a text is needed, as a string or in an object with `text`",
        ),
    ],
)
async def test_an_error_about_texts_is_text_embeddings_inferences(
    body: dict[str, Any], message: str, http: httpx.AsyncClient
) -> None:
    response = await http.post("/rerank", json=body)
    assert response.status_code == 422
    assert response.json() == {"error": message, "error_type": "Validation"}


async def test_an_error_about_documents_is_coheres(http: httpx.AsyncClient) -> None:
    response = await http.post("/rerank", json={"documents": []})
    assert (response.status_code, set(response.json())) == (422, {"message", "detail"})


@pytest.mark.parametrize(("content", "status"), [(b"{", 400), (b"[]", 422), (b"", 422), (b"null", 422)])
async def test_an_error_about_neither_has_the_keys_of_both(
    content: bytes, status: int, http: httpx.AsyncClient
) -> None:
    response = await http.post("/rerank", content=content, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert set(response.json()) == {"message", "detail", "error", "error_type"}


async def test_so_has_one_before_the_body_is_read(tiny_folder: Any) -> None:
    async with tiny_http(tiny_folder, api_keys="one") as http:
        unknown = await http.post("/rerank", json={"query": "空", "texts": []})
        http.headers["authorization"] = "Bearer one"
        undeclared = await http.post("/rerank", content=b"{}")
    assert (unknown.status_code, undeclared.status_code) == (401, 415)
    for response in (unknown, undeclared):
        assert response.json()["error_type"] == "Validation"
        assert response.json()["detail"] == response.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "door"),
    [
        ("/rerank", {"query": "空", "documents": ["空"]}, "rerank"),
        ("/rerank", {"query": "空", "texts": ["空"]}, "tei"),
        ("/v1/score", {"text_1": "空", "text_2": "空"}, "score"),
    ],
)
async def test_requests_and_refusals_are_counted_for_the_same_door(
    path: str, body: dict[str, Any], door: str, http: httpx.AsyncClient
) -> None:
    await http.post(path, json=body)
    await http.post(path, json=body | {"timeout_ms": 0})
    counted = (await http.get("/metrics")).text
    assert f'jrerank_requests_total{{door="{door}",outcome="complete"}} 1.0' in counted
    assert f'jrerank_refusals_total{{door="{door}",kind="invalid_input"}} 1.0' in counted


async def test_raw_scores_are_the_logits(http: httpx.AsyncClient) -> None:
    body = {"query": "今日の天気", "documents": TEXTS}
    raw, scores = [
        (await http.post("/rerank", json=body | {"raw_scores": raw})).json()["results"]
        for raw in (True, False)
    ]
    assert [row["index"] for row in raw] == [row["index"] for row in scores]
    for logit, score in zip(raw, scores, strict=True):
        assert sigmoid(logit["relevance_score"]) == pytest.approx(score["relevance_score"], rel=1e-6)


@pytest.mark.parametrize("names", [("documents", "results"), ("texts", None)])
async def test_a_partial_answer_is_sorted_and_says_so(
    names: tuple[str, str | None], http: httpx.AsyncClient
) -> None:
    body = {"query": "空", names[0]: [f"{i}" for i in range(2000)], "timeout_ms": 60}
    response = await http.post("/rerank", json=body)
    rows = response.json()[names[1]] if names[1] else response.json()
    scores = [row.get("relevance_score", row.get("score")) for row in rows]
    assert response.headers["x-jrerank-outcome"] in {"partial", "passthrough"}
    assert response.headers["x-jrerank-reason"] == "deadline"
    assert len(scores) == 2000
    assert scores == sorted(scores, reverse=True)
    assert -0.01 < scores[-1] < 0


async def test_what_may_not_be_cut_is_refused(http: httpx.AsyncClient) -> None:
    body = {"query": "空", "documents": ["空", "富士山" * 2000]}
    refused = await http.post("/v1/rerank", json=body | {"truncation": False})
    assert (refused.status_code, "documents.1: the text and" in refused.json()["detail"]) == (413, True)
    assert (await http.post("/v1/rerank", json=body | {"truncation": True})).status_code == 200


async def test_many_queries_are_one_request(http: httpx.AsyncClient) -> None:
    queries = [f"空{i}" for i in range(300)]
    response = await http.post("/score", json={"text_1": queries, "text_2": queries})
    assert response.headers["x-jrerank-outcome"] == "complete"
    assert len(response.json()["data"]) == 300
    counted = (await http.get("/metrics")).text
    assert 'jrerank_requests_total{door="score",outcome="complete"} 1.0' in counted
    assert "jrerank_request_documents_sum 300.0" in counted


def test_rankings_of_several_queries_become_one_in_input_order() -> None:
    first = Ranking((RankedHit("2", 1, 0.9, 2.0, None), RankedHit("0", 0, 0.1, -2.0, None)), Outcome.COMPLETE)
    second = Ranking((RankedHit("1", 0, None, None, None),), Outcome.PASSTHROUGH, "deadline")
    whole = in_input_order([first, second])
    assert [(hit.id, hit.index) for hit in whole.hits] == [("0", 0), ("1", 1), ("2", 2)]
    assert (whole.outcome, whole.reason) == (Outcome.PARTIAL, "deadline")


async def test_both_texts_have_limits(http: httpx.AsyncClient) -> None:
    query = await http.post("/score", json={"text_1": "空" * 10_001, "text_2": "b"})
    many = await http.post("/score", json={"text_1": "a", "text_2": ["b"] * 10_001})
    assert (query.status_code, query.json()["error"]["param"]) == (413, "text_1")
    assert (many.status_code, many.json()["error"]["param"]) == (413, "text_2")
