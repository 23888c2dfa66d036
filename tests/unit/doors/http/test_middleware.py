"""What happens to every request before any route."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
import structlog
from starlette.types import Receive, Scope, Send

from jrerank.doors.http.middleware import RequestContext
from jrerank.doors.service import Service
from tiny import client_of

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def seen(headers: dict[str, str]) -> tuple[dict[str, Any], httpx.Response]:
    """What an application behind the middleware finds in its log context, and what its caller gets."""
    found: dict[str, Any] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.update(structlog.contextvars.get_contextvars(), arrival=scope["jrerank.arrival"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    transport = httpx.ASGITransport(RequestContext(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        return found, await client.get("/health")


async def test_a_request_id_is_taken_logged_and_sent_back() -> None:
    found, response = await seen({"x-request-id": "abc-1"})
    assert found["request_id"] == response.headers["x-request-id"] == "abc-1"


@pytest.mark.parametrize("sent", ["", "two words", "x" * 129, "\x01"])
async def test_another_one_is_made_for_what_does_not_belong_into_a_log(sent: str) -> None:
    found, response = await seen({"x-request-id": sent})
    assert found["request_id"] == response.headers["x-request-id"] != sent
    assert len(found["request_id"]) == 32


async def test_a_trace_goes_on_in_the_log() -> None:
    assert (await seen({"traceparent": TRACEPARENT}))[0]["traceparent"] == TRACEPARENT


@pytest.mark.parametrize("sent", ["", "nonsense", TRACEPARENT.upper(), TRACEPARENT + "x" * 100])
async def test_what_is_no_trace_is_left_out(sent: str) -> None:
    assert "traceparent" not in (await seen({"traceparent": sent}))[0]


async def test_who_is_let_in_is_told_how_much_work_waits(service: Service) -> None:
    busy = replace(service, queued_s=lambda: 1.23456, keys=("secret",))
    body = {"query": "富士山", "documents": ["山"]}
    async with client_of(busy) as client:
        known = await client.post("/v1/rerank", json=body, headers={"authorization": "Bearer secret"})
        wrong = await client.post("/v1/rerank", json={}, headers={"authorization": "Bearer secret"})
        stranger = await client.post("/v1/rerank", json=body)
        health = await client.get("/health")
    assert [answer.status_code for answer in (known, wrong, stranger, health)] == [200, 422, 401, 200]
    said = [answer.headers.get("x-jrerank-queue-seconds") for answer in (known, wrong, stranger, health)]
    assert said == ["1.235", "1.235", None, None]


async def test_without_keys_everybody_is_told(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/rerank", json={"query": "富士山", "documents": ["山"]})
    assert float(answer.headers["x-jrerank-queue-seconds"]) < 1


async def test_the_clock_starts_on_arrival_and_ends_with_the_request() -> None:
    before = time.monotonic()
    found, _ = await seen({})
    assert before <= found["arrival"] <= time.monotonic()
    assert structlog.contextvars.get_contextvars() == {}
