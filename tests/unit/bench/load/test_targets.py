"""What an answer says of its request, in each shape, from a small server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from jrerank.bench.load.record import Answer
from jrerank.bench.load.requests import LoadRequest
from jrerank.bench.load.targets import SearchTarget, SidecarTarget, http_session
from jrerank.bench.quality.live.template import BodyTemplate

REQUEST = LoadRequest(1, "富士山", ("山", "川"), 1)


@asynccontextmanager
async def answering(status: int, content: object) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """Its URL, and the requests that have come."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        await request.read()
        return web.Response(status=status, text=content if isinstance(content, str) else json.dumps(content))

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/"), seen


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (200, {"outcome": "partial", "hits": [{"scored": True}, {"scored": False}]}, Answer("partial", 1)),
        (429, {}, Answer("refused")),
        (503, {}, Answer("refused")),
        (401, {}, Answer("error", 0, "status 401")),
        (200, "no JSON", Answer("error", 0, "JSONDecodeError: Expecting value: line 1 column 1 (char 0)")),
        (200, {}, Answer("error", 0, "KeyError: 'outcome'")),
    ],
)
async def test_a_sidecars_answer(status: int, content: object, expected: Answer) -> None:
    async with answering(status, content) as (url, seen), http_session() as session:
        assert await SidecarTarget(session, url, 500, ("key-a", "key-b")).send(REQUEST) == expected
    body = json.loads(seen[0]._read_bytes or b"")
    assert (body["query"], body["timeout_ms"], len(body["hits"])) == ("富士山", 500, 2)
    assert seen[0].headers["authorization"] == "Bearer key-b"


@pytest.mark.parametrize(
    ("ext", "expected"),
    [
        ({"jrerank": {"outcome": "complete", "reranked": 50}}, Answer("complete", 50)),
        ({"jrerank": {"outcome": "passthrough", "reranked": 0}}, Answer("passthrough", 0)),
        (None, Answer("complete", 1)),
    ],
)
async def test_a_searchs_answer(tmp_path: Path, ext: object, expected: Answer) -> None:
    template = BodyTemplate({"query": {"match": {"text": "{{query}}"}}})
    async with answering(200, {"hits": {"hits": [{}]}, "ext": ext}) as (url, seen), http_session() as session:
        assert (
            await SearchTarget(session, f"{url}/docs/_search?search_pipeline=x", template, 10).send(REQUEST)
            == expected
        )
    assert seen[0].query_string == "search_pipeline=x"


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ([], "AttributeError: 'list' object has no attribute 'get'"),
        (None, "AttributeError"),
        ({"hits": []}, "TypeError"),
        ({"hits": {"hits": []}, "ext": ["jrerank"]}, "AttributeError"),
        ({"hits": {"hits": []}, "ext": {"jrerank": {"outcome": ["complete"]}}}, "ValueError: no outcome: ['complete']"),
        ({"hits": {"hits": []}, "ext": {"jrerank": {"outcome": "complete", "reranked": "5"}}}, "ValueError: no number of pairs"),
        ("[" * 100_000, "RecursionError"),
    ],
)  # fmt: skip
async def test_an_answer_of_any_other_shape_is_an_error_of_the_run_and_no_exception(
    content: object, detail: str
) -> None:
    async with answering(200, content) as (url, _), http_session() as session:
        answer = await SearchTarget(session, url, BodyTemplate({"query": "{{query}}"}), 10).send(REQUEST)
        sidecar = await SidecarTarget(session, url, 500, ()).send(REQUEST)
    assert (answer.outcome, answer.pairs) == ("error", 0)
    assert answer.detail.startswith(detail)
    assert sidecar.outcome == "error"


async def test_nobody_there_is_an_error_of_the_run_and_no_exception() -> None:
    async with http_session() as session:
        answer = await SidecarTarget(session, "http://127.0.0.1:9", 500, ()).send(REQUEST)
    assert answer.outcome == "error"
    assert answer.detail.startswith("ClientConnectorError: Cannot connect to host 127.0.0.1:9")
