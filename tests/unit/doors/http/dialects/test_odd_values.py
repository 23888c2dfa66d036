"""One odd value at a time in a valid body of each dialect: every document comes back, or the value's place is named."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tiny import tiny_http

ODD: dict[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "a negative number": -1,
    "a huge number": 10**30,
    "a fraction": 0.5,
    "beyond a double": float("inf"),
    "nothing": "",
    "blank": " \n　",
    "half an emoji": "空\ud83d",
    "control characters": "\0</s>\x7f",
    "a list": [],
    "a list of lists": [[]],
    "an object": {},
    "an object of something else": {"url": "x"},
    "a text in an object": {"text": "空"},
    "a text beside a huge number": {"text": "空", "n": float("inf")},
}
TEXTS = ["晴れ", "富士山", "雨"]
Count = Callable[[Any], int]
DIALECTS: dict[str, tuple[str, dict[str, Any], Count]] = {
    "documents": (
        "/v1/rerank",
        {
            "query": "空", "documents": TEXTS, "model": "m", "top_n": 3, "top_k": None, "return_documents": True,
            "rank_fields": ["text"], "max_tokens_per_doc": 100, "max_chunks_per_doc": 2, "truncation": True,
            "truncation_side": "left", "raw_scores": False, "use_activation": True, "instruction": None,
            "truncate_prompt_tokens": -1, "max_tokens_per_query": 0, "priority": 1,
        },
        lambda content: len(content["results"]),
    ),
    "tei": (
        "/rerank",
        {
            "query": "空", "texts": TEXTS, "raw_scores": True, "return_text": True, "truncate": True,
            "truncation_direction": "Right", "top_n": 3,
        },
        len,
    ),
    "infinity": (
        "/infinity/rerank",
        {"query": "空", "documents": TEXTS, "top_n": 3, "return_documents": True, "raw_scores": False},
        lambda content: len(content["results"]),
    ),
    "mixedbread": (
        "/v1/reranking",
        {"query": "空", "input": TEXTS, "top_k": 3, "return_input": True, "rank_fields": ["text"]},
        lambda content: len(content["data"]),
    ),
    "nim": (
        "/v1/ranking",
        {"query": {"text": "空"}, "passages": [{"text": text} for text in TEXTS], "truncate": "END"},
        lambda content: len(content["rankings"]),
    ),
    "dashscope": (
        "/api/v1/services/rerank/text-rerank/text-rerank",
        {"input": {"query": "空", "documents": TEXTS}, "parameters": {"top_n": 3, "return_documents": True}},
        lambda content: len(content["output"]["results"]),
    ),
    "deepinfra": (
        "/v1/inference/m",
        {"queries": ["空"], "documents": TEXTS},
        lambda content: len(content["scores"]),
    ),
    "score": (
        "/score",
        {"text_1": ["空"], "text_2": TEXTS, "use_activation": True, "truncate_prompt_tokens": -1},
        lambda content: len(content["data"]),
    ),
    "hits": (
        "/v1/hits",
        {
            "query": "空", "hits": [{"id": f"{i}", "text": text, "score": 1.0} for i, text in enumerate(TEXTS)],
            "top_n": 3, "fusion": {"method": "linear", "weight": 0.1}, "max_tokens_per_doc": 100,
        },
        lambda content: len(content["hits"]),
    ),
    "columns": (
        "/v1/columns",
        {
            "queries": ["空"], "texts": TEXTS, "ids": ["a", "b", "c"], "scores": [1.0, 2.0, 3.0],
            "top_n": 3, "fusion": {"method": "linear", "weight": 0.1}, "max_tokens_per_doc": 100,
        },
        lambda content: max(len(ranking["scores"]) for ranking in content["rankings"]),
    ),
}  # fmt: skip
Place = tuple[str | int, ...]


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Every place in a body where a value stands."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*here, key)
        yield from places(inner, (*here, key))


def broken(body: Any, place: Place, odd: Any) -> Any:
    """The body with another value in one place."""
    if not place:
        return odd
    copy: Any = dict(body) if isinstance(body, dict) else list(body)
    copy[place[0]] = broken(copy[place[0]], place[1:], odd)
    return copy


def expected(body: dict[str, Any]) -> int:
    """How many results a body asks for."""
    inner = [part for part in (body.get("input"), body.get("parameters")) if isinstance(part, dict)]
    whole = {key: value for part in (body, *inner) for key, value in part.items()}
    names = ("documents", "texts", "input", "passages", "text_2", "hits", "ids")
    lists = [len(whole[name]) for name in names if isinstance(whole.get(name), list)]
    limit = int(whole.get("top_n") or whole.get("top_k") or 3)
    return min(limit, lists[0] if lists else 1)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_one_odd_value(dialect: str, tiny_folder: Path) -> None:
    path, body, count = DIALECTS[dialect]
    cases = [(place, name) for place in places(body) for name in ODD]

    async def ask_all() -> None:
        async with tiny_http(tiny_folder) as http:
            for place, name in cases:
                sent = broken(body, place, ODD[name])
                response = await http.post(
                    path,
                    content=json.dumps(sent).replace("Infinity", "1e999"),
                    headers={"content-type": "application/json"},
                )
                check(response.status_code, response.text, sent, place, name)

    def check(status: int, text: str, sent: Any, place: Place, name: str) -> None:
        case = f"{name} at {place}: {status} {text[:300]}"
        if status == 200:
            assert count(json.loads(text)) == expected(sent), case
        elif name == "beyond a double":
            assert status in {400, 422}, case
        else:
            assert status in {413, 422}, case
            assert str(place[-1]) in text or "body" in text, case

    asyncio.run(ask_all())
