"""Large bodies, whose thread is busy with others'."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from held_work import held
from jrerank.assembly import running_service
from jrerank.doors.http.app import make_app
from jrerank.doors.http.body import BoundedRequest
from jrerank.doors.service import Service
from tiny import client_of, tiny_settings

MANY = {"query": "空", "hits": [{"id": str(i)} for i in range(600)]}
LARGE = {"query": "空", "hits": [{"id": "1", "text": "空" + " " * 470_000}]}
COLUMNS = {"queries": ["空"], "ids": list(map(str, range(600)))}
DIALECT = {"query": "空", "documents": ["空"] * 600}


@pytest.fixture
async def impatient(tiny_folder: Path) -> AsyncIterator[Service]:
    async with running_service(tiny_settings(tiny_folder, timeout_ms=200)) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/hits", LARGE), ("/v1/hits", MANY), ("/v1/columns", COLUMNS), ("/v1/rerank", DIALECT)],
)
async def test_whose_time_is_up_before_the_thread_is_free_is_told_to_come_again(
    path: str, body: dict[str, Any], impatient: Service
) -> None:
    go_on = await held(impatient.large)
    async with client_of(impatient) as http:
        refused = await http.post(path, json=body)
        go_on.set()
        answered = await http.post(path, json=body)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert answered.status_code == 200


async def test_what_the_body_asks_for_counts_as_soon_as_it_is_read(service: Service) -> None:
    go_on = await held(service.large)
    async with client_of(service) as http:
        refused = await http.post("/v1/hits", json=MANY | {"timeout_ms": 50})
    go_on.set()
    assert refused.status_code == 429


@pytest.mark.parametrize("joined", [False, True])
async def test_the_body_of_who_has_left_is_not_waited_for_nor_parsed(
    joined: bool, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed, gone, sent = [], asyncio.Event(), []
    monkeypatch.setattr(BoundedRequest, "_parsed", lambda *_: parsed.append(1))
    messages = [{"type": "http.request", "body": json.dumps(LARGE).encode(), "more_body": False}]
    go_on = None if joined else await held(service.large)

    async def receive() -> Any:
        nonlocal go_on
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    original = service.turns.new

    async def new(has_left: Any, caller: str) -> None:
        nonlocal go_on
        go_on = await held(service.large)  # others come between putting it together and parsing it
        await original(has_left, caller)

    monkeypatch.setattr(service.turns, "new", new)
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/v1/hits",
        "query_string": b"",
        "headers": headers,
    }
    scope["jrerank.is_closed"] = gone.is_set
    asyncio.get_running_loop().call_later(0.1, gone.set)
    async with asyncio.timeout(5):
        await make_app(service)(scope, receive, send)
    assert sent[0]["status"] == 499
    assert service.bodies.used_bytes == 0
    assert go_on is not None
    await asyncio.sleep(0)
    go_on.set()
    await service.large.run(lambda: None)
    assert not parsed
