"""Attacks by the number of what they once exploited. Each is one round of one attacker, who begins again at once.

Those that the soak has too are there: `bench.soak.hostile`.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from itertools import count
from typing import Any

from bench.connection import Connection, HttpAnswer
from bench.soak import hostile
from bench.soak.honest import Target
from bench.soak.hostile import TURNED_AWAY, Attack, Harmless

CONNECTIONS, HOLD_S = 20, 1.0
STORE, HUGE = "docs", "huge"
MEGABYTE, MOST_DOCUMENTS = 1_000_000, 10_000
_NUMBERS = count()
# How a sidecar that defends itself ends a connection
_CLOSED = (OSError, EOFError)


async def endless_headers(target: Target) -> None:
    """On 20 connections at once."""
    await _at_once(hostile.endless_headers, target, CONNECTIONS)


async def pipelining(target: Target) -> None:
    """66 MB of requests on four connections."""
    await _at_once(hostile.pipelining, target, 4)


async def bodies_without_a_key(target: Target) -> None:
    """Large bodies for routes that read none, or that need a key, and that never end."""
    async with AsyncExitStack() as stack:
        for path in ("/health", "/ready", "/metrics", "/v1/rerank") * 2:
            _, writer = await hostile.opened(stack, target.port)
            head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 32000000\r\n\r\n"
            writer.write(head.encode() + b"a" * 4 * MEGABYTE)
        await asyncio.sleep(HOLD_S)


async def silence(target: Target) -> None:
    """Hundreds of sockets on both doors that say nothing, or half of something."""
    await asyncio.gather(*(hostile.silence(target) for _ in range(4)), hostile.half_heads(target))


async def readiness(target: Target) -> None:
    """300 at once ask whether the sidecar is ready."""
    async with _connections(target, 300) as connections:
        await _asked(connection.get("/ready") for connection in connections)


async def wire_logins(target: Target) -> None:
    """520 silent sockets at the PostgreSQL wire."""
    async with AsyncExitStack() as stack:
        for _ in range(520):
            await hostile.opened(stack, target.pgwire_port)
        await asyncio.sleep(HOLD_S)


async def deep_and_wide(target: Target) -> None:
    """16 MB of nesting, and 32 MB with one emoji."""
    deep, wide = b'{"a":' * 3_200_000, '"😀'.encode() + b"a" * 32 * MEGABYTE + b'"'
    async with _connections(target, 2) as (first, second):
        await _asked([first.post("/v1/rerank", deep), second.post("/v1/rerank", wide)])


async def huge_replies(target: Target) -> None:
    """Four small searches for which the engine has 100 MB each."""
    await _searches(target, [{"query": {"match": {"body": HUGE}}}] * 4)


async def other_hosts(target: Target) -> None:
    """Requests in the name of another host, from another page, to a sidecar without keys.

    Raises:
        Harmless: one of them got another answer than 403.
    """
    request = b"GET /v1/models HTTP/1.1\r\nhost: evil.example\r\norigin: http://evil.example\r\n\r\n"
    async with AsyncExitStack() as stack:
        for _ in range(CONNECTIONS):
            reader, writer = await hostile.opened(stack, target.port)
            writer.write(request * 4)
            async with asyncio.timeout(5):
                line = await reader.readline()
            if not line.startswith(b"HTTP/1.1 403"):
                raise Harmless(f"expected 403, got {line[:80]!r}")


async def search_options(target: Target) -> None:
    """Long paths, many paths, patterns of stars, dots."""
    query = {"match": {"body": "山"}}
    await _searches(
        target,
        [
            {"query": query, "rerank": {"passage_fields": [".".join("a" * 20_000)]}},
            {"query": query, "rerank": {"passage_fields": [".".join("a" * 100)] * 500}},
            {"query": query, "_source": ["*a" * 40] * 2_000},
            {"query": query, "_source": ["." * 2_000] * 500},
        ],
    )


async def hanging_up(target: Target) -> None:
    """4,500 requests of 100 documents that are closed after 50 ms. The first one stays, and sees what the others would have got."""
    async with _connections(target, 1) as (first,):
        await _asked([first.post("/v1/hits", _body(target))])
    for _ in range(45):
        bodies = [_body(target) for _ in range(100)]
        with ExitStack() as stack:
            for connection in [await _opened(target) for _ in bodies]:
                stack.callback(connection.abort)
                connection.begin("/v1/hits", bodies.pop())
            await asyncio.sleep(0.05)


async def many_callers(target: Target) -> None:
    """60 who ask for 100 hits within 300 ms again and again."""
    async with _connections(target, 60) as connections:
        for _ in range(3):
            await _asked(connection.post("/v1/hits", _body(target)) for connection in connections)


async def full_queue(target: Target) -> None:
    """One request whose windows are more than may wait, and which has seconds to spare."""
    texts = list(target.passages.values())
    hits = [
        {"id": str(place), "text": random.choice(texts) + random.choice(texts)}
        for place in range(MOST_DOCUMENTS)
    ]
    body = {"query": f"富士山 {next(_NUMBERS)}", "timeout_ms": 5_000, "hits": hits}
    async with _connections(target, 1) as (connection,):
        await _asked([connection.post("/v1/hits", json.dumps(body, ensure_ascii=False).encode())])


async def full_memory(target: Target) -> None:
    """150 uploads of a megabyte each that never end, with a key."""
    async with _connections(target, 150) as connections:
        for connection in connections:
            connection.begin("/v1/hits", b" " * MEGABYTE, unsent_bytes=MEGABYTE)
        await asyncio.sleep(HOLD_S)


ATTACKS: Mapping[str, tuple[Attack, ...]] = {
    "0 nothing": (),  # what the others are to be compared with
    "1 many headers": (hostile.many_headers,),
    "2 endless headers": (endless_headers,),
    "3 pipelining": (pipelining,),
    "4 bodies without a key": (bodies_without_a_key,),
    "5 silence": (silence,),
    "6 readiness": (readiness,),
    "7 wire logins": (wire_logins, hostile.wire_garbage),
    "8 wrong bodies": (hostile.wrong_bodies,),
    "9 deep and wide": (deep_and_wide,),
    "10 what nobody reads": (hostile.unread_answers, hostile.wire_hoard, huge_replies),
    "11 other hosts": (other_hosts,),
    "12 search options": (search_options,),
    "13 hanging up": (hanging_up,),
    "14 many callers": (many_callers,),
    "15 full queue": (full_queue,),
    "16 full memory": (full_memory,),
}
# Who asks in the name of another host is turned away where there are no keys; elsewhere for want of one
WITHOUT_KEYS = ("11",)
# The eight that hurt most, each by an attacker of its own
ALL_AT_ONCE = ("1", "3", "4", "8", "9", "10", "13", "14")


def number_of(name: str) -> str:
    """With which the name of an attack begins."""
    return name.split(maxsplit=1)[0]


def named(number: str) -> tuple[Attack, ...]:
    """The attacks of a number."""
    (found,) = (attacks for name, attacks in ATTACKS.items() if number_of(name) == number)
    return found


def check_hits(results: Iterable[HttpAnswer | BaseException | None]) -> None:
    """Look at what became of each request or attack of those that went on at once.

    Raises:
        Harmless: one was turned away at the door.
        Exception: what went wrong in the attack itself, such as a mistake in it.
    """
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, _CLOSED):
            raise result
        if isinstance(result, HttpAnswer) and result.status in TURNED_AWAY:
            raise Harmless(f"turned away with {result.status}: {result.body[:80]!r}")


async def _at_once(attack: Attack, target: Target, times: int) -> None:
    check_hits(await asyncio.gather(*(attack(target) for _ in range(times)), return_exceptions=True))


async def _searches(target: Target, bodies: Sequence[Mapping[str, Any]]) -> None:
    async with _connections(target, len(bodies)) as connections:
        await _asked(
            connection.post(f"/v1/search/{STORE}", json.dumps(body).encode())
            for connection, body in zip(connections, bodies, strict=True)
        )


def _body(target: Target) -> bytes:
    texts = random.choices(list(target.passages.values()), k=100)
    hits = [{"id": str(place), "text": text} for place, text in enumerate(texts)]
    return json.dumps(
        {"query": f"富士山 {next(_NUMBERS)}", "timeout_ms": 300, "hits": hits}, ensure_ascii=False
    ).encode()


async def _opened(target: Target) -> Connection:
    return await Connection.open("127.0.0.1", target.port, target.key)


@asynccontextmanager
async def _connections(target: Target, number: int) -> AsyncIterator[Sequence[Connection]]:
    with ExitStack() as stack:
        connections = [await _opened(target) for _ in range(number)]
        for connection in connections:
            stack.callback(connection.close)
        yield connections


async def _asked(requests: Iterable[Coroutine[Any, Any, HttpAnswer]]) -> None:
    check_hits(await asyncio.gather(*requests, return_exceptions=True))
