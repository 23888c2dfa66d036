"""What is told of a request at a glance: never anything else than what a closer look finds."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.assembly import running_service
from jrerank.domain import RerankRequest
from jrerank.doors.columns import columns_body
from jrerank.doors.http.dialects.read import outline_of as outline_of_dialect
from jrerank.doors.http.dialects.read import read
from jrerank.doors.http.dialects.table import DIALECTS, DOCUMENTS
from jrerank.doors.intake import Caller, Intake, Limits
from jrerank.doors.native import hits_body
from jrerank.doors.outline import Outline, named_timeout_ms, outline_of, refuse_early
from jrerank.errors import InvalidInput, Overloaded
from jrerank.json_reader.text import WHOLE_BYTES
from jrerank.large_work import MANY_DOCUMENTS
from jrerank.reranker import Reranker
from jrerank.scheduling.texts import QueryPassages
from tiny import client_of, tiny_settings

LIMITS = Limits(body_bytes=10_000, documents=100, query_chars=100, passage_chars=100)
INTAKE = Intake(LIMITS, timeout_ms=1000)
CALLER = Caller("key-1", arrival=50.0)
ODD = st.sampled_from([None, 0, 1, 300, 2.5, True, "300", "", " ", "空", [], {}, ["空"], {"text": "空"}])
TEXTS = st.lists(st.sampled_from(["空", "山", ""]) | ODD, max_size=3)
OF_HITS = st.fixed_dictionaries(
    {},
    optional={
        "query": st.just("空") | ODD,
        "hits": st.lists(
            st.fixed_dictionaries(
                {"id": st.just("a") | ODD}, optional={"text": st.just("山") | ODD, "texts": TEXTS}
            )
        ),
        "timeout_ms": st.just(300) | ODD,
        "max_tokens_per_doc": ODD,
    },
)
OF_COLUMNS = st.fixed_dictionaries(
    {"queries": TEXTS, "texts": TEXTS}, optional={"timeout_ms": ODD, "ids": TEXTS, "max_tokens_per_doc": ODD}
)
NAMES = sorted({name for dialect in DIALECTS for names in dialect.request.values() for name in names})
OF_DIALECTS = st.dictionaries(st.sampled_from([name for name in NAMES if "." not in name]), ODD | TEXTS)


def is_told(outline: Outline, requests: list[RerankRequest]) -> bool:
    """Whether the outline says of the requests what decides about their admission."""
    deadline = INTAKE.deadline(CALLER, outline.timeout_ms, len(outline.queries) * len(outline.passages))
    told = [(query, outline.passages, deadline, None, "right") for query in outline.queries]
    return told == [
        (
            one.query,
            [passage for candidate in one.candidates for passage in candidate.passages],
            one.deadline,
            one.max_tokens_per_doc,
            one.truncation,
        )
        for one in requests
    ]


@given(OF_HITS)
def test_a_glance_at_hits_tells_what_they_are_read_as(body: dict[str, Any]) -> None:
    outline = outline_of(body)
    try:
        request = hits_body(body, LIMITS).to_request(INTAKE, CALLER)
    except InvalidInput:
        return
    assert outline is None or is_told(outline, [request])


@given(OF_COLUMNS)
def test_a_glance_at_columns_too(body: dict[str, Any]) -> None:
    outline = outline_of(body)
    try:
        requests = columns_body(body, LIMITS).to_requests(INTAKE, CALLER)
    except InvalidInput:
        return
    assert outline is None or is_told(outline, requests)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@given(body=OF_DIALECTS)
def test_a_glance_at_each_dialect_too(dialect: Any, body: dict[str, Any]) -> None:
    outline = outline_of_dialect(dialect, body)
    try:
        requests = read(dialect, body, model_tokens=512).requests(INTAKE, CALLER)
    except InvalidInput:
        return
    assert outline is None or is_told(outline, requests)


def test_what_is_asked_for_mostly_is_told_at_a_glance() -> None:
    hits = [{"id": "a", "text": "山"}, {"id": "b", "text": "海"}]
    assert outline_of({"query": "空", "hits": hits, "timeout_ms": 300}) == Outline(["空"], ["山", "海"], 300)
    columns = {"queries": ["空", "雨"], "texts": ["山"]}
    assert outline_of(columns) == Outline(["空", "雨"], ["山"], None)
    assert outline_of_dialect(DOCUMENTS, {"query": "空", "documents": ["山"], "top_n": 1}) == Outline(
        ["空"], ["山"], None
    )


@pytest.mark.parametrize("body", [None, [], 1, {}, {"query": "空", "hits": 1}, {"query": "空", "hits": [1]}])
def test_what_is_no_request_is_left_to_others(body: Any) -> None:
    assert outline_of(body) is None


def test_as_is_what_is_too_large_to_be_looked_at_twice() -> None:
    assert Outline.of(["空"], ["山"] * (MANY_DOCUMENTS + 1), None) is None


NESTED = st.sampled_from([{"timeout_ms": 1}, [{"timeout_ms": 1}], {"a": {"timeout_ms": 1}}, "{[", "}]"])


@given(
    body=st.dictionaries(
        st.sampled_from(["timeout_ms", "query", "a", '"timeout_ms', '{"timeout_ms']),
        ODD | NESTED | st.just('"timeout_ms": 5'),
    ),
    in_ascii=st.booleans(),
    indent=st.sampled_from([None, 2]),
)
def test_a_timeout_is_told_before_anything_is_parsed(
    body: dict[str, Any], in_ascii: bool, indent: int | None
) -> None:
    named = body.get("timeout_ms")
    told = named_timeout_ms(json.dumps(body, ensure_ascii=in_ascii, indent=indent).encode())
    assert told == math.inf or told == (named if type(named) is int else None)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_it_is_told_wherever_it_stands_in_a_usual_request(place: int) -> None:
    fields: list[tuple[str, Any]] = [("query", "空"), ("hits", [{"id": "a", "text": "[山}"}])]
    fields.insert(place, ("timeout_ms", 300))
    assert named_timeout_ms(json.dumps(dict(fields), ensure_ascii=False).encode()) == 300


@pytest.mark.parametrize(
    "odd",
    [
        rb'{"timeout\u005fms": 300}',
        b'{"timeout_ms": 300.5}',
        b'{"timeout_ms": "300"}',
        b'{"timeout_ms": 1, "timeout_ms": 2}',
        b'{"hits": [{"id": "a", "text": "b", "meta": {"timeout_ms": 1}}]}',
        rb'{"a\"timeout_ms": 1}',
        b'"timeout_ms": 1}',
        b'{"timeout_ms": 1, "query": "' + b"a" * WHOLE_BYTES + b'"}',
    ],
)
def test_a_timeout_that_only_parsing_tells_counts_as_endless(odd: bytes) -> None:
    assert named_timeout_ms(odd) == math.inf


BODIES = {
    "/v1/hits": {"query": "空", "hits": [{"id": str(n), "text": f"{n}"} for n in range(30)]},
    "/v1/columns": {"queries": ["空"], "texts": [str(n) for n in range(30)]},
    "/v1/rerank": {"query": "空", "documents": [str(n) for n in range(30)]},
    "/rerank": {"query": "空", "texts": [str(n) for n in range(30)]},
}


@pytest.mark.parametrize("path", BODIES)
async def test_an_overload_costs_no_more_than_the_parsing_whatever_the_shape(
    path: str, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[tuple[QueryPassages, str]] = []

    def refuse(_: Reranker, queries: list[QueryPassages], deadline: float, caller: str) -> None:
        looks.append((queries[0], caller))
        raise Overloaded("full", retry_after_s=2.0)

    monkeypatch.setattr(Reranker, "refuse_early", refuse)
    async with running_service(tiny_settings(tiny_folder)) as service, client_of(service) as client:
        answer = await client.post(path, json=BODIES[path])
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
        assert "full" in answer.text
        ((query, caller),) = looks
        assert (query.query, list(query.passages), caller) == ("空", [str(n) for n in range(30)], "127.0.0.1")
        refuse_early(service, None, CALLER)
