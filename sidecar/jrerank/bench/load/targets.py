"""Who is asked: a sidecar, a search engine whose searches are reranked, or PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp

from jrerank.bench.load.record import OUTCOMES, Answer
from jrerank.bench.load.requests import LoadRequest
from jrerank.bench.quality.live.template import BodyTemplate
from jrerank.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

_REFUSED = {429, 503}
_GRACE_S = 30.0
_DETAIL_CHARS = 120


class Target(Protocol):
    """Something that takes a request and says what became of it; it never raises."""

    async def send(self, request: LoadRequest) -> Answer:
        """Ask, and wait for the answer."""


@dataclass(frozen=True, slots=True)
class SidecarTarget:
    """`POST /v1/hits`."""

    session: aiohttp.ClientSession
    url: str
    timeout_ms: int
    keys: Sequence[str]

    async def send(self, request: LoadRequest) -> Answer:
        """As `Target` says."""
        hits = [{"id": str(place), "text": text} for place, text in enumerate(request.passages)]
        body = {"query": request.query, "hits": hits, "timeout_ms": self.timeout_ms}
        key = self.keys[request.caller] if self.keys else None
        return await _post(self.session, f"{self.url}/v1/hits", body, key, _of_hits)


@dataclass(frozen=True, slots=True)
class SearchTarget:
    """A search whose pipeline reranks (or a sidecar's search door): the marker in `ext.jrerank` says what became of it."""

    session: aiohttp.ClientSession
    url: str
    template: BodyTemplate
    size: int

    async def send(self, request: LoadRequest) -> Answer:
        """As `Target` says."""
        return await _post(
            self.session, self.url, self.template.fill(request.query, self.size), None, _of_search
        )


@dataclass(frozen=True, slots=True)
class PostgresTarget:
    """A statement with `%(query)s`, `%(passages)s` (an array of text) or both."""

    pool: AsyncConnectionPool
    statement: str

    async def send(self, request: LoadRequest) -> Answer:
        """As `Target` says."""
        try:
            async with self.pool.connection() as connection:
                parameters = {
                    "query": request.query,
                    "passages": list(request.passages),
                    "size": len(request.passages),
                }
                cursor = await connection.execute(self.statement.encode(), parameters)
                rows = await cursor.fetchall()
                status = await connection.execute("select outcome from jrerank.rerank_status()")
                row = await status.fetchone()
        except Exception as error:  # noqa: BLE001  a load test counts what goes wrong
            return Answer("error", 0, _described(error))
        outcome = str(row[0]) if row and row[0] else "complete"
        return Answer(outcome, len(rows) if outcome == "complete" else 0)


@asynccontextmanager
async def http_session() -> AsyncIterator[aiohttp.ClientSession]:
    """As many connections as requests are open."""
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_GRACE_S, sock_read=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield session


@asynccontextmanager
async def postgres_pool(dsn: str, connections: int) -> AsyncIterator[AsyncConnectionPool]:
    """Connections whose sessions keep what became of their last call.

    Raises:
        ConfigurationError: psycopg isn't installed.
        Unavailable: the server can't be reached: a pool would try for half a minute and not say why.
    """
    try:
        from psycopg import AsyncConnection, Error  # noqa: PLC0415  an extra
        from psycopg_pool import AsyncConnectionPool  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError("psycopg is needed: pip install 'jrerank[postgres]'") from None
    try:
        await (await AsyncConnection.connect(dsn)).close()
    except Error as error:
        raise Unavailable(f"PostgreSQL can't be reached: {str(error).strip()}") from None
    async with AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=connections,
        kwargs={"autocommit": True},
        configure=_keep_status,
        open=False,
    ) as pool:
        yield pool


async def _keep_status(connection: AsyncConnection[Any]) -> None:
    """What became of a session's last call is kept only where the session wants it."""
    await connection.execute("set jrerank.status = 'session'")


def _described(error: Exception) -> str:
    """Its class and the beginning of what it says."""
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}"[:_DETAIL_CHARS].removesuffix(": ")


async def _post(
    session: aiohttp.ClientSession, url: str, body: dict[str, Any], key: str | None, read: Any
) -> Answer:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    try:
        async with session.post(
            url, data=json.dumps(body, ensure_ascii=False).encode(), headers=headers
        ) as answer:
            content = await answer.read()
            if answer.status in _REFUSED:
                return Answer("refused")
            if answer.status >= 400:
                return Answer("error", 0, f"status {answer.status}")
            found: Answer = read(json.loads(content))
            return found
    except Exception as error:  # noqa: BLE001  a load test counts what goes wrong, an answer of any wrong shape too
        return Answer("error", 0, _described(error))


def _of_hits(content: dict[str, Any]) -> Answer:
    return _answer(content["outcome"], sum(hit["scored"] for hit in content["hits"]))


def _of_search(content: dict[str, Any]) -> Answer:
    marker = (content.get("ext") or {}).get("jrerank")
    hits = len(content["hits"]["hits"])
    return (
        _answer("complete", hits)
        if marker is None
        else _answer(marker["outcome"], marker.get("reranked") or 0)
    )


def _answer(outcome: object, pairs: object) -> Answer:
    """Its words and numbers are an endpoint's: the record counts by them.

    Raises:
        ValueError: it isn't an outcome, or not a number of pairs.
    """
    if not isinstance(outcome, str) or outcome not in OUTCOMES:
        raise ValueError(f"no outcome: {outcome!r}")
    if not isinstance(pairs, int):
        raise ValueError(f"no number of pairs: {pairs!r}")
    return Answer(outcome, pairs)
