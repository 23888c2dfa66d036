"""Callers who ask for what they are entitled to, and look whether they get it."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from bench.soak.sockets import waiting_bytes
from bench.soak.tally import Tally
from wire import Reply, Wire, fields, query, value

PAUSE_S = 0.05
# A request that is so old has been taken by the sidecar
ACCEPTED_S = 1.0
HITS, TIMEOUT_MS = 20, 2_000
# Refusals that name a reason: overload, a store that is down, a sidecar that shuts down
REFUSALS = {429, 503}
SQL_REFUSALS = {"53000", "53300", "57P01", "57P03"}


@dataclass
class Target:
    """The sidecar, and what it may be asked about. `closed_at` is when it was told to end, on the clock of `time.monotonic()`."""

    url: str
    pgwire_port: int
    key: str
    passages: Mapping[str, str]
    closed_at: float | None = None

    @property
    def port(self) -> int:
        """Of HTTP."""
        return int(self.url.rpartition(":")[2])

    def sample(self) -> list[str]:
        """Ids of some passages."""
        return random.sample(sorted(self.passages), HITS)


Ask = Callable[[Target, Tally], Awaitable[None]]


async def keep_asking(ask: Ask, target: Target, tally: Tally) -> None:
    """Until the sidecar is told to end; what was asked before is still waited for."""
    while target.closed_at is None:
        started = time.monotonic()
        try:
            await ask(target, tally)
        except (httpx.HTTPError, OSError, EOFError) as error:
            # Who comes as it closes finds the door shut
            if target.closed_at is None or started < target.closed_at - ACCEPTED_S:
                waiting = "; ".join(waiting_bytes(target.port))
                took_s = time.monotonic() - started
                tally.fail(ask.__name__, f"{type(error).__name__} after {took_s:.1f} s: {error} ({waiting})")
        await asyncio.sleep(random.uniform(0, 2 * PAUSE_S))


async def texts(target: Target, tally: Tally) -> None:
    """`/v1/rerank` with the texts."""
    ids = target.sample()
    body = {"query": "富士山の高さ", "documents": [target.passages[one] for one in ids]}
    answer = await _post("texts", target, tally, "/v1/rerank", body)
    if answer is not None:
        _check("texts", tally, answer[1], list(range(HITS)), answer[0]["results"], "index")


async def stored(target: Target, tally: Tally) -> None:
    """`/v1/hits` with ids alone: the store has the texts, when it has a good moment."""
    ids = target.sample()
    body = {"query": "富士山の高さ", "store": "docs", "hits": [{"id": one} for one in ids]}
    answer = await _post("stored", target, tally, "/v1/hits", body)
    if answer is not None:
        _check("stored", tally, answer[1], ids, answer[0]["hits"], "id", answer[0]["outcome"])


async def wire(target: Target, tally: Tally) -> None:
    """The PostgreSQL wire, with a login each time."""
    ids, started = target.sample(), time.monotonic()
    hits = [{"id": one, "text": target.passages[one]} for one in ids]
    body = json.dumps({"query": "富士山", "timeout_ms": TIMEOUT_MS, "hits": hits})
    reader, writer = await asyncio.open_connection("127.0.0.1", target.pgwire_port)
    try:
        replies = await _replies(Wire(reader, writer), target, body)
    finally:
        writer.close()
    errors = [fields(body)["C"] for kind, body in replies if kind == b"E"]
    if errors:
        tally.refuse("wire", errors[0]) if errors[0] in SQL_REFUSALS else tally.fail("wire", errors[0])
    elif replies:
        answer = json.loads(value(replies))
        _check("wire", tally, time.monotonic() - started, ids, answer["hits"], "id", answer["outcome"])


async def _replies(client: Wire, target: Target, body: str) -> list[Reply]:
    """Up to where the next query may come, or the end; none where the sidecar closed before it was asked anything."""
    try:
        await client.log_in(target.key)
    except (EOFError, ValueError):  # in place of a challenge, it may say that it closes
        if target.closed_at is None:
            raise
        return []
    await client.send(query(body))
    replies = [await client.read()]
    while replies[-1][0] != b"Z" and not _is_fatal(replies[-1]):
        replies.append(await client.read())
    return replies


def _is_fatal(reply: Reply) -> bool:
    return reply[0] == b"E" and fields(reply[1])["S"] == "FATAL"


async def _post(
    kind: str, target: Target, tally: Tally, path: str, body: Mapping[str, object]
) -> tuple[dict[str, Any], float] | None:
    headers = {"authorization": f"Bearer {target.key}"}
    started = time.monotonic()
    async with httpx.AsyncClient(base_url=target.url, headers=headers, timeout=60) as client:
        response = await client.post(path, json={**body, "timeout_ms": TIMEOUT_MS})
    if response.status_code in REFUSALS:
        tally.refuse(kind, str(response.status_code))
        return None
    if response.status_code != 200:
        tally.fail(kind, f"{response.status_code} {response.text[:200]}")
        return None
    return response.json(), time.monotonic() - started


def _check(
    kind: str,
    tally: Tally,
    took_s: float,
    asked: Sequence[object],
    results: Sequence[Mapping[str, object]],
    name: str,
    outcome: str = "",
) -> None:
    """Every document that was accepted is answered, once."""
    told = [result[name] for result in results]
    if sorted(map(str, told)) == sorted(map(str, asked)):
        tally.answer(kind, outcome, took_s)
    else:
        tally.fail(kind, f"{len(asked)} documents, {len(told)} results")


CALLERS: tuple[Ask, ...] = (texts, stored, wire)
