"""Connections to one database, and what their failures mean. A query that is given up holds nobody up."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from jrerank.errors import StoreError
from jrerank.fairness.places import Places

_CONNECT_TIMEOUT_S = 3
_PATIENCE_S = 1.0  # of a caller, while there is no connection
_RECONNECT_S = 1.0  # then the pool leaves it to the next caller to try again
# Both hold for the transaction that a pipeline is, so that a pooler between us and the server may hand it on afterwards
_BOUNDS = "select set_config('statement_timeout', %s, true), set_config('transaction_read_only', 'on', true)"

Query = sql.SQL | sql.Composed
Row = Sequence[Any]
_Connection = AsyncConnection[tuple[Any, ...]]
_Pool = AsyncConnectionPool[_Connection]


class Connections:
    """A pool that is filled in the background, so that a database may come up later. Made within an event loop."""

    def __init__(self, name: str, dsn: str, size: int) -> None:
        self._conninfo = dsn
        self._arguments = _arguments(dsn)
        self._pool: _Pool = AsyncConnectionPool(
            dsn,
            kwargs=self._arguments,
            min_size=1,
            max_size=size,
            name=f"jrerank-{name}",
            reconnect_timeout=_RECONNECT_S,
            open=False,
        )
        self._places = Places(size)
        self._opening = asyncio.create_task(self._pool.open())
        self._running: set[asyncio.Task[list[Row]]] = set()

    async def rows(self, query: Query, ids: Sequence[str], timeout_s: float) -> list[Row]:
        """What the query selects for `ids`. Neither here nor in the server does it go on beyond `timeout_s`.

        Raises:
            StoreError: the database cannot be reached, or refuses.
            TimeoutError: it did not answer within `timeout_s`.
        """
        return await self._within(timeout_s, self._pooled_rows(query, ids, timeout_s))

    async def check(self, query: Query, timeout_s: float) -> None:
        """Run the query for no ids, on a connection of its own: one that cannot be made says why.

        Raises:
            StoreError: the database cannot be reached, or refuses.
            TimeoutError: it did not answer within `timeout_s`.
        """
        await self._within(timeout_s, self._fresh_rows(query, timeout_s))

    async def close(self) -> None:
        """Give the connections back, those of queries that still run as well."""
        await self._opening
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._pool.close()

    async def _within(self, timeout_s: float, rows: Coroutine[Any, Any, list[Row]]) -> list[Row]:
        # psycopg waits for the server to confirm that a query is cancelled, which one that hangs does not do: so the
        # query has a task of its own, which is left behind
        task = asyncio.create_task(rows)
        self._running.add(task)
        task.add_done_callback(self._ended)
        try:
            await asyncio.wait({task}, timeout=timeout_s)
        finally:
            ended = task.done()
            task.cancel()
        if not ended:
            raise TimeoutError
        return task.result()

    def _ended(self, task: asyncio.Task[list[Row]]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # what nobody waits for any more is no news

    async def _pooled_rows(self, query: Query, ids: Sequence[str], timeout_s: float) -> list[Row]:
        async with self._connection(timeout_s) as connection:
            return await _ask(connection, query, ids, timeout_s)

    async def _fresh_rows(self, query: Query, timeout_s: float) -> list[Row]:
        with _as_ours():
            connection = await AsyncConnection.connect(self._conninfo, **self._arguments)
        async with connection:
            return await _ask(connection, query, (), timeout_s)

    @asynccontextmanager
    async def _connection(self, timeout_s: float) -> AsyncIterator[_Connection]:
        """One of the pool, which callers wait for in turn: its own line is first come first served."""
        async with AsyncExitStack() as stack:
            connection = await self._take(stack, min(timeout_s, _PATIENCE_S))
            try:
                yield connection
            finally:
                await self._pool.putconn(connection)

    async def _take(self, stack: AsyncExitStack, patience_s: float) -> _Connection:
        """A connection that the server has not closed meanwhile, as it does when it restarts."""
        try:
            async with asyncio.timeout(patience_s):
                await stack.enter_async_context(self._places.one(patience_s))
                while True:
                    connection = await self._pool.getconn(patience_s)
                    if _is_open(connection):
                        return connection
                    await connection.close()
                    await self._pool.putconn(connection)
        except (PoolTimeout, PoolClosed, TimeoutError):
            raise StoreError(f"no connection to the database within {patience_s:.1f} s") from None


async def _ask(connection: _Connection, query: Query, ids: Sequence[str], timeout_s: float) -> list[Row]:
    """One round trip: a pipeline sends the bounds and the query together."""
    bounds, cursor = connection.cursor(), connection.cursor()
    try:
        with _as_ours():
            async with connection.pipeline():
                await bounds.execute(_BOUNDS, (str(max(1, math.ceil(timeout_s * 1000))),))
                await cursor.execute(query, {"ids": list(ids)})
            return list(await cursor.fetchall())
    except asyncio.CancelledError:
        connection.pgconn.finish()  # what hangs once is not for others
        raise


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.QueryCanceled as error:
        raise TimeoutError from error
    except psycopg.Error as error:
        raise StoreError(_in_one_line(error)) from error


def _is_open(connection: _Connection) -> bool:
    with suppress(psycopg.Error):
        for _ in range(2):  # the server's last words, then that it has hung up; neither waits
            connection.pgconn.consume_input()
    return not connection.closed


def _arguments(dsn: str) -> dict[str, Any]:
    given = conninfo_to_dict(dsn)
    defaults: dict[str, Any] = {"connect_timeout": _CONNECT_TIMEOUT_S, "application_name": "jrerank"}
    defaults = {key: value for key, value in defaults.items() if key not in given}
    # statements are not prepared: poolers that hand a connection on lose them
    return {**defaults, "autocommit": True, "prepare_threshold": None}


def _in_one_line(error: psycopg.Error) -> str:
    """What the server says is wrong, without the context."""
    return error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__
