"""What is posted to a direct path gets the answer that its route would give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from jrerank.doors.http import app, routing
from jrerank.doors.service import Service
from tiny import client_of

JSON = {"content-type": "application/json"}
OWN = {"x-request-id": "me"}
# What differs from one answer to the next
VARYING = {"id", "took_ms", "latency_ms", "request_id", "created"}
HITS = {"query": "山", "hits": [{"id": "a", "text": "高い山"}, {"id": "b", "text": "海"}]}
COLUMNS = {"queries": ["山"], "ids": ["a", "b"], "texts": ["高い山", "海"]}
DOCUMENTS = {"query": "山", "documents": ["高い山", "海"]}
BODIES: list[tuple[str, Any]] = [
    ("/v1/hits", HITS),
    ("/v1/hits/", HITS),
    ("/v1/hits", {"query": "山", "hits": [{"text": "no id"}]}),
    ("/v1/hits", {**HITS, "store": "unknown"}),
    ("/v1/hits", None),
    ("/v1/columns", COLUMNS),
    ("/v1/columns", {"queries": "山"}),
    ("/v1/columns", None),
    ("/v1/rerank", DOCUMENTS),
    ("/v1/rerank", {"query": 1, "documents": ["a"]}),
    ("/v1/rerank", []),
    ("/v1/rerank", None),
    ("/rerank", {"query": "山", "texts": ["高い山", "海"]}),
    ("/v1/retrieval/model/reranking", {"query": {"text": "山"}, "passages": [{"text": "高い山"}]}),
]


@pytest.fixture
def no_direct_paths(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leaves all to the routes."""
    with monkeypatch.context() as patched:
        patched.setattr(app, "DirectPaths", lambda inner, routes: inner)
        yield


async def answer(service: Service, path: str, content: bytes, method: str = "POST") -> httpx.Response:
    async with client_of(service) as client:
        return await client.request(method, path, content=content, headers=OWN | JSON)


def lasting(answered: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    headers = {name: value for name, value in answered.headers.items() if name != "content-length"}
    return answered.status_code, _without(answered.json()), headers


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(inner) for name, inner in value.items() if name not in VARYING}
    return [_without(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("path", "body"), BODIES)
async def test_an_answer_is_that_of_the_route(
    path: str, body: Any, service: Service, request: pytest.FixtureRequest
) -> None:
    content = b"" if body is None else json.dumps(body).encode()
    direct = await answer(service, path, content)
    request.getfixturevalue("no_direct_paths")
    assert lasting(direct) == lasting(await answer(service, path, content))
    assert direct.headers["x-request-id"] == "me"


@pytest.mark.parametrize("path", ["/v1/hits", "/v1/columns", "/v1/rerank"])
async def test_what_is_no_json_is_refused_alike(
    path: str, service: Service, request: pytest.FixtureRequest
) -> None:
    direct = await answer(service, path, b"{")
    request.getfixturevalue("no_direct_paths")
    assert direct.status_code == 400
    assert lasting(direct) == lasting(await answer(service, path, b"{"))


@pytest.mark.parametrize("path", ["/v1/hits", "/v1/columns"])
async def test_without_a_body_its_lack_is_named(path: str, service: Service) -> None:
    answered = await answer(service, path, b"")
    assert answered.status_code == 422
    assert "required" in answered.json()["error"]["message"].lower()


async def test_another_method_is_left_to_the_routes(service: Service) -> None:
    assert (await answer(service, "/v1/rerank", b"", "GET")).status_code == 405


async def test_no_route_is_matched_on_the_way(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def matched(*_: object) -> NoReturn:
        raise AssertionError

    monkeypatch.setattr(routing.Route, "handle", matched)
    for path, body in (("/v1/hits", HITS), ("/v1/columns", COLUMNS), ("/v1/rerank", DOCUMENTS)):
        assert (await answer(service, path, json.dumps(body).encode())).status_code == 200


async def test_a_path_with_a_parameter_is_left_to_the_routes_even_as_it_is_declared(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    matched, handle, declared = [], routing.Route.handle, "/v1/inference/{model:path}"

    async def recorded(route: routing.Route, scope: Scope, receive: Receive, send: Send) -> None:
        matched.append(route.path)
        await handle(route, scope, receive, send)

    monkeypatch.setattr(routing.Route, "handle", recorded)
    await answer(service, declared, b"{}")
    assert matched == [declared]


async def test_a_fault_of_ours_is_answered_and_holds_no_memory(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> NoReturn:
        raise RuntimeError

    monkeypatch.setattr(service.reranker, "rerank_all", broken)
    answered = await answer(service, "/v1/rerank", json.dumps(DOCUMENTS).encode())
    assert (answered.status_code, service.bodies.used_bytes) == (500, 0)
