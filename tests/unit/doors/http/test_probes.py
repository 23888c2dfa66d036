"""Probes get the answers that their routes would give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NoReturn

import httpx
import pytest

from jrerank.doors.http import probes
from jrerank.doors.service import Service
from tiny import client_of

PATHS = ["/health", "/ready", "/ping", "/health/"]
OWN = {"x-request-id": "me", "origin": "http://page.example"}


@pytest.fixture
def no_probes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leaves all to the routes."""
    with monkeypatch.context() as patched:
        patched.setattr(probes, "_ANSWERS", {})
        yield


async def answer(service: Service, method: str, path: str) -> httpx.Response:
    async with client_of(replace(service, cors_origins=("http://page.example",))) as client:
        return await client.request(method, path, headers=OWN)


@pytest.mark.parametrize("path", PATHS)
async def test_an_answer_is_that_of_the_route(
    path: str, service: Service, request: pytest.FixtureRequest
) -> None:
    probe = await answer(service, "GET", path)
    request.getfixturevalue("no_probes")
    route = await answer(service, "GET", path)
    assert (probe.status_code, probe.content, probe.headers) == (200, route.content, route.headers)
    assert probe.headers["x-request-id"] == "me"
    assert probe.headers["access-control-allow-origin"] == "http://page.example"


@pytest.mark.parametrize("path", PATHS)
async def test_a_head_tells_the_length_of_what_it_leaves_out(path: str, service: Service) -> None:
    whole, head = await answer(service, "GET", path), await answer(service, "HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]


async def test_another_method_is_left_to_the_routes(service: Service) -> None:
    assert (await answer(service, "DELETE", "/health")).status_code == 405


async def test_a_fault_is_answered_as_a_route_answers_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: object) -> NoReturn:
        raise RuntimeError

    monkeypatch.setattr(probes, "_ANSWERS", {"/ready": broken})
    refusal = await answer(service, "GET", "/ready")
    assert (refusal.status_code, refusal.json()["error"]["type"]) == (500, "internal")
    assert refusal.headers["x-request-id"] == "me"
