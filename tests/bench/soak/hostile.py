"""Callers who want the sidecar to stop. Each attack is one round; it is repeated with a pause."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import struct
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from bench.soak.honest import Target
from wire import LoginRefused, Wire, fields, packet, query, startup

PAUSE_S = 0.5
SOCKETS, HOLD_S = 50, 2.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Attack = Callable[[Target], Awaitable[None]]
# Who gets one of these was turned away at the door, and has attacked nothing behind it
TURNED_AWAY = frozenset({401, 403, 404})
SQL_TURNED_AWAY = frozenset({"28000", "28P01"})
# What the PostgreSQL wire says when it is asked to keep more than it has room for
SQL_NO_ROOM = frozenset({"53000", "54000"})
_LOOK_S, _MOST_STAY_S = 0.05, 5.0


class Harmless(Exception):  # noqa: N818
    """The sidecar did not take an attack for one: what it is meant to hit is not there."""


async def keep_attacking(attack: Attack, target: Target) -> None:
    """Whatever the sidecar does to them, they come again."""
    while target.closed_at is None:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(20):
                await attack(target)
        await asyncio.sleep(random.uniform(0, 2 * PAUSE_S))


async def silence(target: Target) -> None:
    """Sockets on both doors that say nothing."""
    await _hold(target, b"", b"")


async def half_heads(target: Target) -> None:
    """Requests and logins that begin and don't end."""
    await _hold(target, b"POST /v1/rerank HTTP/1.1\r\nhost: localhost\r\nx-a: ", startup(user="eve")[:9])


async def endless_headers(target: Target) -> None:
    """A head without end."""
    await _pour(target, b"GET /health HTTP/1.1\r\nhost: localhost\r\nx-a: ", b"a" * 65_536, 32)


async def many_headers(target: Target) -> None:
    """Thousands of small headers."""
    head = b"GET /health HTTP/1.1\r\nhost: localhost\r\n"
    await _pour(target, head, b"".join(b"x-%d: 1\r\n" % number for number in range(5_000)), 1)


async def pipelining(target: Target) -> None:
    """Requests by the thousand whose answers nobody reads."""
    await _pour(target, b"", b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n" * 1_000, 20)


async def wrong_bodies(target: Target) -> None:
    """What isn't a request, in large."""
    bodies = (
        b'{"query": "a", "documents": [' + b"1," * 200_000 + b"1]}",
        b'{"a":' * 200_000,
        b'{"query": "a", "documents": [' + b"{}," * 200_000 + b"{}]}",
        b"\xff" * 1_000_000,
    )
    await _pour(target, _head(target, len(body := random.choice(bodies))), body, 1)


async def hanging_up(target: Target) -> None:
    """Honest requests by callers who leave before the answer; the first one stays, and sees what the others would have got."""
    documents = random.choices(sorted(target.passages.values()), k=100)
    body = json.dumps({"query": "富士山", "timeout_ms": 300, "documents": documents}).encode()
    request = _head(target, len(body)) + body
    async with AsyncExitStack() as stack:
        reader, writer = await opened(stack, target.port)
        writer.write(request)
        await _check_hit(reader, _MOST_STAY_S)
    for _ in range(20):
        _, writer = await asyncio.open_connection("127.0.0.1", target.port)
        writer.write(request)
        await asyncio.sleep(0.01)
        writer.transport.abort()


async def unread_answers(target: Target) -> None:
    """Large answers that nobody reads."""
    hits = [{"id": f"{'i' * 200}{number}", "text": "山"} for number in range(5_000)]
    body = json.dumps({"query": "富士山", "timeout_ms": 1, "hits": hits}).encode()
    request = _head(target, len(body), "/v1/hits") + body
    async with AsyncExitStack() as stack:
        readers = []
        for _ in range(4):
            reader, writer = await opened(stack, target.port)
            writer.write(request)
            readers.append(reader)
        await asyncio.sleep(HOLD_S)
        for reader in readers:
            await _check_hit(reader)


async def wire_garbage(target: Target) -> None:
    """Bytes that are no startup, and wrong keys."""
    for data in (random.randbytes(200), startup(user="eve") + packet(b"p", b"SCRAM-SHA-256\0\0\0\0\0")):
        async with AsyncExitStack() as stack:
            reader, writer = await opened(stack, target.pgwire_port)
            writer.write(data)
            await reader.read(100)


async def wire_hoard(target: Target) -> None:
    """With a key: requests that are prepared, and never run."""
    async with AsyncExitStack() as stack:
        clients = [await _logged_in(stack, target) for _ in range(4)]
        for client in clients:
            text = query(" " * 4_000_000)[5:]
            await client.send(packet(b"P", b"\0" + text + struct.pack("!h", 0)) + packet(b"H"))
            await client.send(query("+" + "a" * 100_000))
        await asyncio.sleep(HOLD_S)
        for client in clients:
            await _check_kept(client)


ATTACKS: tuple[Attack, ...] = (
    silence,
    half_heads,
    endless_headers,
    many_headers,
    pipelining,
    wrong_bodies,
    hanging_up,
    unread_answers,
    wire_garbage,
    wire_hoard,
)


def _head(target: Target, length: int, path: str = "/v1/rerank") -> bytes:
    lines = (
        f"POST {path} HTTP/1.1",
        "host: localhost",
        f"authorization: Bearer {target.key}",
        "content-type: application/json",
        f"content-length: {length}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def opened(stack: AsyncExitStack, port: int) -> Streams:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stack.callback(writer.close)
    return reader, writer


async def _hold(target: Target, http: bytes, wire: bytes) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(SOCKETS):
            for port, data in ((target.port, http), (target.pgwire_port, wire)):
                _, writer = await opened(stack, port)
                writer.write(data)
        await asyncio.sleep(HOLD_S)


async def _pour(target: Target, head: bytes, piece: bytes, times: int) -> None:
    async with AsyncExitStack() as stack:
        reader, writer = await opened(stack, target.port)
        writer.write(head)
        for _ in range(times):
            writer.write(piece)
            async with asyncio.timeout(2):
                await writer.drain()
        await asyncio.sleep(HOLD_S / 4)
        await _check_hit(reader)


async def _logged_in(stack: AsyncExitStack, target: Target) -> Wire:
    client = Wire(*await opened(stack, target.pgwire_port))
    try:
        await client.log_in(target.key)
    except LoginRefused as refused:
        if refused.sqlstate in SQL_TURNED_AWAY:
            raise Harmless(f"turned away with {refused}") from refused
        raise
    return client


async def _check_kept(client: Wire) -> None:
    """What was prepared is kept, or there is no room for it.

    Raises:
        Harmless: it is refused for anything else.
    """
    kind, body = await client.read()
    if kind != b"1" and not (kind == b"E" and fields(body)["C"] in SQL_NO_ROOM):
        raise Harmless(f"expected what was prepared to be kept, got {kind!r} {body[:80]!r}")


async def _check_hit(reader: asyncio.StreamReader, most_s: float = _LOOK_S) -> None:
    """Look at the first line of what nobody has read, if there is any, now that the attack is over.

    Raises:
        Harmless: it was turned away at the door.
    """
    line = b""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(most_s):
            line = await reader.readline()
    status = line.partition(b" ")[2][:3]
    if status.isdigit() and int(status) in TURNED_AWAY:
        raise Harmless(f"turned away with {status.decode()}")
