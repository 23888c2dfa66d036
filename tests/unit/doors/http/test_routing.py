"""What every route has: a bounded body, strict JSON, errors in the dialect that was spoken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from jrerank.assembly import running_service
from jrerank.doors.http.app import make_app
from jrerank.doors.http.bounded_http1 import OWNER
from jrerank.fairness.caller import STRANGERS, Owner
from tiny import client_of, tiny_http, tiny_settings

BODY = b'{"query": "a", "hits": [{"id": "1", "text": "a"}]}'


async def ask(http: httpx.AsyncClient, content: Any = BODY, kind: str = "application/json") -> httpx.Response:
    return await http.post("/v1/hits", content=content, headers={"content-type": kind})


def fault(response: httpx.Response) -> tuple[int, str, str | None]:
    error = response.json()["error"]
    return response.status_code, error["type"], error["field"]


async def test_whose_a_connection_is_is_what_the_last_key_on_it_says(tiny_folder: Path) -> None:
    """A proxy may put many clients on one: who shows none doesn't ask in the name of who has shown theirs."""
    owner = Owner()
    async with running_service(tiny_settings(tiny_folder, api_keys="a-key")) as service:
        app = make_app(service)

        async def connection(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, OWNER: owner}, receive, send)

        transport = httpx.ASGITransport(connection)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            for key, is_known in (("a-key", True), ("wrong", False), ("a-key", True), ("", False)):
                headers = {"authorization": f"Bearer {key}"}
                await http.post("/v1/hits", content=BODY, headers=headers)
                assert (owner.is_known, owner.caller != STRANGERS) == (is_known, is_known)


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/x+json"]
)
async def test_json_by_any_of_its_names(kind: str, http: httpx.AsyncClient) -> None:
    assert (await ask(http, kind=kind)).status_code == 200


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonl"])
async def test_what_is_not_declared_as_json_is_told_how_to(kind: str, http: httpx.AsyncClient) -> None:
    """A browser sends such bodies across origins without asking, so they are not read as JSON all the same."""
    response = await ask(http, kind=kind)
    assert fault(response) == (415, "not_json", None)
    assert "content-type: application/json" in response.text


@pytest.mark.parametrize("content", [b"{", b"[" * 5000, b'{"query": NaN}', b"\xff"])
async def test_what_is_not_json_in_unicode_is_a_400(content: bytes, http: httpx.AsyncClient) -> None:
    assert fault(await ask(http, content)) == (400, "invalid_json", None)


@pytest.mark.parametrize(
    ("content", "field", "said"),
    [
        (b'{"query": 5, "hits": []}', "query", "query: Input should be a valid string (got 5)"),
        (b'{"query": "a", "hits": [{"id": "1"}, {}]}', "hits.1.id", "hits.1.id: Field required"),
        (b'{"query": "a", "hits": [], "fusion": {"method": "x"}}', "fusion", "'linear', 'rrf'"),
        (b"", "body", "body: Field required"),
        (b"[]", "body", "body: Input should be a valid dictionary"),
    ],
)
async def test_a_mistake_is_named_as_the_caller_wrote_it(
    content: bytes, field: str, said: str, http: httpx.AsyncClient
) -> None:
    response = await ask(http, content)
    assert fault(response) == (422, "invalid_input", field)
    assert said in response.json()["error"]["message"]


async def test_a_passage_is_never_in_an_error(http: httpx.AsyncClient) -> None:
    secret = '"秘密"'.encode()
    for content in (b'{"query": [' + secret + b"]}", b'{"query": "a", "hits": ' + secret + b"}"):
        assert "秘密" not in (await ask(http, content)).text


@pytest.fixture
async def small(tiny_folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with tiny_http(
        tiny_folder, max_body_bytes=3000, max_open_body_bytes=11_250, timeout_ms=300
    ) as client:
        yield client


async def test_a_body_beyond_the_limit_is_not_read_to_its_end(small: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 100
            yield b" " * 100

    assert fault(await ask(small, endless())) == (413, "too_large", "body")
    assert sent <= 3200


async def test_a_body_of_too_many_values_is_refused_before_it_is_parsed(small: httpx.AsyncClient) -> None:
    response = await ask(small, b"[" + b"{}," * 300 + b"{}]")
    assert fault(response) == (413, "too_large", "body")
    assert "fewer documents" in response.text


async def test_a_body_that_does_not_come_is_waited_for_no_longer_than_a_request(
    small: httpx.AsyncClient,
) -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    assert fault(await ask(small, stuck())) == (408, "too_slow", None)


async def test_bodies_that_are_open_at_once_share_one_limit(small: httpx.AsyncClient) -> None:
    enough = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b" " * 2900
        await enough.wait()
        yield BODY

    first = asyncio.create_task(ask(small, slow()))
    await asyncio.sleep(0.02)
    refused = await ask(small, b" " * 2900 + BODY)
    assert fault(refused) == (429, "overloaded", None)
    assert int(refused.headers["retry-after"]) >= 1
    enough.set()
    assert (await first).status_code == 200
    assert (await ask(small, b" " * 2900 + BODY)).status_code == 200, "what was held has been given back"


async def test_refusals_are_counted_and_logged(
    http: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    await ask(http, b'{"query": ["never in a log"], "hits": []}')
    assert 'jrerank_refusals_total{door="hits",kind="invalid_input"} 1.0' in (await http.get("/metrics")).text
    said = capsys.readouterr()
    line = next(line for line in (said.out + said.err).splitlines() if "refused" in line)
    assert "status" in line
    assert "never in a log" not in line


async def test_what_nobody_thought_of_is_answered_in_the_callers_dialect(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("a passage, perhaps")

    async with running_service(tiny_settings(tiny_folder)) as service, client_of(service) as client:
        monkeypatch.setattr(service.reranker, "rerank", broken)
        monkeypatch.setattr(service.reranker, "rerank_all", broken)
        answers = {path: await client.post(path, json=spoken(path)) for path in ("/v1/hits", "/v1/rerank")}
    assert {answer.status_code for answer in answers.values()} == {500}
    assert fault(answers["/v1/hits"]) == (500, "internal", None)
    assert set(answers["/v1/rerank"].json()) == {"message", "detail"}
    assert all("perhaps" not in answer.text for answer in answers.values())


def spoken(path: str) -> dict[str, object]:
    return {"query": "a", "hits": []} if path == "/v1/hits" else {"query": "a", "documents": []}


async def test_open_routes_need_no_key_and_others_do(tiny_folder: Path) -> None:
    async with tiny_http(tiny_folder, api_keys="one,two") as client:
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/ready")).status_code == 200
        refused = await ask(client)
        assert fault(refused) == (401, "not_authorized", None)
        assert refused.headers["www-authenticate"] == "Bearer"
        client.headers["authorization"] = "Bearer two"
        assert (await ask(client)).status_code == 200


@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize("protocol_knows", [True, False])
async def test_who_has_hung_up_costs_no_parsing(
    tiny_folder: Path, protocol_knows: bool, is_whole: bool
) -> None:
    """The body would be a mistake, if anybody looked at it."""
    body = {"type": "http.request", "body": b"{", "more_body": not is_whole}
    messages = [body, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/v1/hits",
        "query_string": b"",
        "headers": headers,
    }
    if protocol_knows:
        scope["jrerank.is_closed"] = lambda: True
    async with running_service(tiny_settings(tiny_folder)) as service:
        await make_app(service)(scope, receive, send)
        assert sent[0]["status"] == 499
        assert service.metrics.requests.labels("hits", "abandoned")._value.get() == 1
        assert service.metrics.refusals.labels("hits", "internal")._value.get() == 0
        assert service.bodies.used_bytes == 0


async def test_a_body_that_says_it_is_too_large_is_not_read_at_all(small: httpx.AsyncClient) -> None:
    async def never() -> AsyncIterator[bytes]:
        pytest.fail("it was read")
        yield b""

    headers = {"content-type": "application/json", "content-length": "3001"}
    response = await small.post("/v1/hits", content=never(), headers=headers)
    assert fault(response) == (413, "too_large", "body")
