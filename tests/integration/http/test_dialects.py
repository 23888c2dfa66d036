"""Every rerank shape, asked of a real sidecar."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

QUERY = "富士山の高さはどれくらいですか"
DOCUMENTS = [
    "味噌汁\n鍋にだしを入れて火にかけ、味噌を溶き入れる。",
    "富士山\n富士山の標高は3776メートルで、日本で最も高い山である。",
    "大阪駅\n大阪駅は大阪市北区にある駅である。",
]
BEST = 1


def ask(http: httpx.Client, path: str, **body: Any) -> Any:
    response = http.post(path, json=body)
    assert response.status_code == 200, response.text
    assert response.headers["x-jrerank-outcome"] == "complete"
    return response.json()


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank"])
def test_cohere_jina_and_vllm(path: str, http: httpx.Client) -> None:
    content = ask(http, path, model="any", query=QUERY, documents=DOCUMENTS, top_n=2, return_documents=True)
    assert next(result["index"] for result in content["results"]) == BEST
    assert len(content["results"]) == 2
    assert content["results"][0]["document"] == {"text": DOCUMENTS[BEST]}
    assert content["meta"]["billed_units"]["search_units"] == 1
    assert content["usage"]["total_tokens"] == content["usage"]["prompt_tokens"] > 30


def test_document_objects_are_read_by_rank_fields_and_echoed_whole(http: httpx.Client) -> None:
    documents = [{"title": t.split("\n")[0], "body": t.split("\n")[1], "n": 1} for t in DOCUMENTS]
    content = ask(
        http,
        "/v1/rerank",
        query=QUERY,
        documents=documents,
        rank_fields=["title", "body"],
        return_documents=True,
    )
    plain = ask(http, "/v1/rerank", query=QUERY, documents=DOCUMENTS)
    assert content["results"][0]["document"] == documents[BEST]
    assert [r["relevance_score"] for r in content["results"]] == [
        r["relevance_score"] for r in plain["results"]
    ]


def test_voyage_gets_its_own_names(http: httpx.Client) -> None:
    content = ask(
        http, "/v1/rerank", query=QUERY, documents=DOCUMENTS, top_k=1, truncation=True, return_documents=True
    )
    assert [(r["index"], r["document"]) for r in content["data"]] == [(BEST, DOCUMENTS[BEST])]
    assert [r["index"] for r in content["results"]] == [BEST]


def test_text_embeddings_inference(http: httpx.Client) -> None:
    content = ask(http, "/rerank", query=QUERY, texts=DOCUMENTS, return_text=True)
    assert content[0]["index"] == BEST
    assert content[0]["text"] == DOCUMENTS[BEST]
    scores = [result["score"] for result in content]
    assert scores == sorted(scores, reverse=True)
    raw = ask(http, "/rerank", query=QUERY, texts=DOCUMENTS, raw_scores=True)
    assert [result["index"] for result in raw] == [result["index"] for result in content]
    assert raw[0]["score"] != content[0]["score"]


@pytest.mark.parametrize("path", ["/score", "/v1/score"])
def test_scores_come_in_input_order(path: str, http: httpx.Client) -> None:
    content = ask(http, path, text_1=QUERY, text_2=DOCUMENTS)
    ranked = {r["index"]: r["score"] for r in ask(http, "/rerank", query=QUERY, texts=DOCUMENTS)}
    assert [(one["index"], one["score"]) for one in content["data"]] == sorted(ranked.items())
    pairs = ask(http, path, text_1=[QUERY, "味噌汁の作り方"], text_2=[DOCUMENTS[1], DOCUMENTS[0]])
    assert pairs["data"][0]["score"] == ranked[1]


def test_native_hits_tell_where_each_one_was(http: httpx.Client) -> None:
    hits = [{"id": f"d{i}", "text": text, "score": 3.0 - i} for i, text in enumerate(DOCUMENTS)]
    content = ask(http, "/v1/hits", query=QUERY, hits=hits)
    assert content["outcome"] == "complete"
    assert content["reason"] is None
    assert next(
        (hit["id"], hit["rank"], hit["first_rank"], hit["first_score"]) for hit in content["hits"]
    ) == (
        "d1",
        1,
        2,
        2.0,
    )
    fused = ask(http, "/v1/hits", query=QUERY, hits=hits, fusion={"method": "linear", "weight": 1000})
    assert [hit["id"] for hit in fused["hits"]] == ["d0", "d1", "d2"]
    assert ask(http, "/v1/hits", query=QUERY, hits=hits, fusion={"method": "rrf"}, top_n=1)["hits"][0]["id"]


def test_a_hit_without_text_and_store_is_missing_and_last(http: httpx.Client) -> None:
    hits = [{"id": "no text"}, {"id": "text", "text": DOCUMENTS[0]}]
    response = http.post("/v1/hits", json={"query": QUERY, "hits": hits})
    content = response.json()
    assert response.headers["x-jrerank-outcome"] == content["outcome"] == "partial"
    assert content["reason"] == "missing_passages"
    assert content["missing"] == ["no text"]
    assert [(hit["id"], hit["scored"], hit["score"] is None) for hit in content["hits"]] == [
        ("text", True, False),
        ("no text", False, True),
    ]


def test_score_literals_suit_ml_commons(http: httpx.Client) -> None:
    """A JSON literal with a point or an exponent, and at most 8 significant digits."""
    text = http.post("/v1/rerank", json={"query": QUERY, "documents": [*DOCUMENTS, "", " ", "\n"]}).text
    literals = re.findall(r'"relevance_score":([^,}]+)', text)
    assert len(literals) == 12
    for literal in literals:
        assert re.fullmatch(r"-?\d+\.\d+(e[+-]\d+)?|-?\d+e[+-]\d+", literal)
        assert len(re.sub(r"e.*|\D", "", literal).lstrip("0")) <= 8


@pytest.mark.parametrize(
    "documents",
    [[], ["一つ"], [""], [" \n"], ["同じ", "同じ", "同じ"], ["\0", "</s>", "🍣"], [None, 5, True]],
)
def test_one_result_per_document_always(documents: list[str], http: httpx.Client) -> None:
    results = ask(http, "/v1/rerank", query=QUERY, documents=documents)["results"]
    assert sorted(result["index"] for result in results) == list(range(len(documents)))
    if documents and len(set(documents)) == 1:
        assert [result["index"] for result in results] == list(range(len(documents)))


def test_a_long_document_counts_with_its_best_window(http: httpx.Client) -> None:
    long = "大阪駅は大阪市北区にある駅で、環状線と神戸線が通る。\n" * 60 + DOCUMENTS[BEST]
    cut = ask(http, "/v2/rerank", query=QUERY, documents=[long])["results"][0]["relevance_score"]
    whole = ask(http, "/v2/rerank", query=QUERY, documents=[long], max_tokens_per_doc=20_000)
    assert whole["results"][0]["relevance_score"] > cut


def test_a_pair_scores_the_same_alone_and_among_many(http: httpx.Client) -> None:
    others = [f"{i}番目の文書。" + DOCUMENTS[i % 3] * (i % 5 + 1) for i in range(99)]
    alone = ask(http, "/score", text_1=QUERY, text_2="一番目に読む文")["data"][0]["score"]
    first = ask(http, "/score", text_1=QUERY, text_2=["一番目に読む文", *others])["data"][0]["score"]
    last = ask(http, "/score", text_1=QUERY, text_2=[*others, "一番目に読む文"])["data"][-1]["score"]
    assert alone == first == last


def test_request_ids_come_back(http: httpx.Client) -> None:
    body = {"query": QUERY, "documents": []}
    assert (
        http.post("/v1/rerank", json=body, headers={"x-request-id": "abc"}).headers["x-request-id"] == "abc"
    )
    assert http.post("/v1/rerank", json=body).headers["x-request-id"]


def test_operations(http: httpx.Client) -> None:
    assert http.get("/health").json() == {"status": "ok"}
    assert http.get("/ready").json() == {"status": "ready", "stores": {}}
    info = http.get("/info").json()
    assert (info["model_id"], info["precision"], info["engine"]) == ("bundled", "int8", "onnx_cpu")
    assert "jrerank_requests_total" in http.get("/metrics").text
    assert json.loads(http.get("/openapi.json").text)["info"]["title"] == "jrerank"
