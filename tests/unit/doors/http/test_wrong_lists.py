"""A list of a wrong kind costs what its first item costs, and one that is too long is counted only."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from jrerank.doors.http.dialects.table import DIALECTS

MANY = list(range(60_000))


def nested(body: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    """`body` with a value at a dotted name."""
    first, _, rest = name.partition(".")
    return body | {first: nested(body.get(first, {}), rest, value) if rest else value}


def bodies() -> dict[str, tuple[str, dict[str, Any], str]]:
    """Each list that a body of some dialect may have, grown long: path, body, and the field that is wrong."""
    cases = {}
    for dialect in DIALECTS:
        (query, *_), (documents, *_) = dialect.request["query"], dialect.request["documents"]
        path = dialect.paths[-1].replace("{model:path}", "m")
        right = nested(nested({}, query, "a"), documents, ["a"])
        cases[f"{dialect.name} {documents}"] = path, nested(right, documents, MANY), documents
        parts = {"content": ["a"] * 1_001}
        cases[f"{dialect.name} parts"] = path, nested(right, documents, [parts]), f"{documents}.0.content"
        if dialect.order == "input":
            cases[f"{dialect.name} {query}"] = path, nested(right, query, MANY), query
        if "rank_fields" in dialect.request:
            wrong = nested(right, "rank_fields", MANY)
            cases[f"{dialect.name} rank_fields"] = path, wrong, "rank_fields"
    few = [*range(9_000)]
    cases["hits"] = "/v1/hits", {"query": "a", "hits": MANY}, "hits"
    cases["hits of a wrong kind"] = "/v1/hits", {"query": "a", "hits": few}, "hits.0"
    cases["hits without ids"] = "/v1/hits", {"query": "a", "hits": [{}] * 9_000}, "hits.0.id"
    return cases


BODIES = bodies()


@pytest.mark.parametrize("kind", BODIES)
async def test_it_is_refused_by_name_at_once(kind: str, http: httpx.AsyncClient) -> None:
    path, body, field = BODIES[kind]
    content = json.dumps(body)
    begun = time.process_time()
    response = await http.post(path, content=content, headers={"content-type": "application/json"})
    assert time.process_time() - begun < 1.0, "an error for each item took some 30 s for a megabyte"
    assert response.status_code in {413, 422}, response.text
    assert field in response.text
    assert len(response.text) < 1_000
