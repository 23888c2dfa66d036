"""An honest caller during an attack: `/health`, and a keyed request of five documents."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count

from bench.connection import Connection, HttpAnswer
from bench.percentile import percentile

PAUSE_S = 0.02
P99_MS, MOST_MS = 100.0, 1_000.0
# A sidecar that is well answers thirty; one that hangs would else be judged by the few that it answered before
FEWEST_PER_S = 5.0
DOCUMENTS = ["富士山は日本一高い。", "山に登る。", "海で泳ぐ。", "天気は晴れ。", "標高は3776メートル。"]
_NUMBERS = count()
Ask = Callable[[Connection], Awaitable[HttpAnswer]]


@dataclass
class Waits:
    """How long one kind of request took, in ms, and what went wrong."""

    ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def p99_ms(self) -> float:
        """Of all."""
        return percentile(self.ms, 99)

    def faults(self, seconds: float) -> list[str]:
        """What an honest caller noticed in so many seconds."""
        found = []
        if len(self.ms) < FEWEST_PER_S * seconds:
            found.append(f"answered {len(self.ms)} times in {seconds:g} s")
        if self.p99_ms >= P99_MS:
            found.append(f"p99 {self.p99_ms:.0f} ms")
        if (most_ms := max(self.ms, default=0.0)) >= MOST_MS:
            found.append(f"max {most_ms:.0f} ms")
        if self.failures:
            found.append(f"failed: {self.failures[0]}")
        return found


async def health(connection: Connection) -> HttpAnswer:
    """Whether it lives."""
    return await connection.get("/health")


async def rerank(connection: Connection) -> HttpAnswer:
    """Five documents, for a query that is new."""
    body = {"query": f"富士山の高さ {next(_NUMBERS)}", "documents": DOCUMENTS}
    return await connection.post("/v1/rerank", json.dumps(body).encode())


async def probe(ask: Ask, host: str, port: int, key: str, waits: Waits, until: float) -> None:
    """Ask again and again until then (on `time.monotonic()`'s clock); a connection that fails is a failure, and is made anew."""
    connection = None
    while time.monotonic() < until:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(30):
                connection = connection or await Connection.open(host, port, key)
                answer = await ask(connection)
            if answer.status != 200 or (answer.header("x-jrerank-outcome") or "complete") != "complete":
                waits.failures.append(
                    f"{answer.status} {answer.header('x-jrerank-outcome')} {answer.body[:100]!r}"
                )
        except (OSError, TimeoutError) as error:
            waits.failures.append(f"{type(error).__name__}: {error}")
            connection = None
        waits.ms.append((time.monotonic() - begun) * 1000)
        await asyncio.sleep(PAUSE_S)
    if connection is not None:
        connection.close()
