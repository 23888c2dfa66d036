"""Passages by id in a PostgreSQL table."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from jrerank.errors import StoreError
from jrerank.stores.postgres.connections import Connections, Row
from jrerank.stores.postgres.ids import by_key
from jrerank.stores.postgres.settings import PostgresSettings
from jrerank.stores.postgres.statement import ADDED_COLUMNS, statement
from jrerank.stores.replies import MAX_REPLY_BYTES, take_reply

_CHECK_TIMEOUT_S = 1.5  # an orchestrator waits 2 s for the answer


class PostgresStore:
    """One table, or one query, as a `PassageStore`. Made within an event loop."""

    def __init__(self, name: str, settings: PostgresSettings) -> None:
        self._settings = settings
        self._statement = statement(settings)
        self._connections = Connections(name, settings.conninfo(), settings.pool_size)

    @property
    def returns_text(self) -> bool:
        """Whether passages may go to callers."""
        return self._settings.returns_text

    async def fetch(self, ids: Sequence[str], timeout_s: float) -> Mapping[str, str]:
        """The passages of `ids`, in one round trip; where an id has several rows, the first counts.

        Raises:
            StoreError: the database cannot be reached, or refuses.
            TimeoutError: it did not answer within `timeout_s`.
        """
        asked = by_key(ids, self._settings.id_type)
        passages: dict[str, str] = {}
        for columns in _whole(await self._connections.rows(self._statement, list(asked), timeout_s)):
            text = _text(columns)
            if text is not None:
                for id in asked.get(str(columns[0]), ()):
                    passages.setdefault(id, text)
        return passages

    async def check(self) -> None:
        """Ask for the passages of no ids: whether the database answers, and has the table and its columns.

        Raises:
            StoreError: it does not; the message has the server's reason.
        """
        try:
            await self._connections.check(self._statement, _CHECK_TIMEOUT_S)
        except TimeoutError:
            raise StoreError(f"no answer within {_CHECK_TIMEOUT_S:g} s") from None

    async def close(self) -> None:
        """Give back the connections."""
        await self._connections.close()


def _whole(rows: list[Row]) -> list[Row]:
    """The rows without what the statement adds; they count as the request's.

    Raises:
        StoreError: the database had more of them than is read.
        JrerankError: there is no room for them.
    """
    if rows and rows[-1][-1]:
        raise StoreError(f"the database's reply is larger than {MAX_REPLY_BYTES} bytes")
    selected = [row[:-ADDED_COLUMNS] for row in rows]
    take_reply(sum(sys.getsizeof(text) for columns in selected for text in columns))
    return selected


def _text(row: Row) -> str | None:
    """The texts of a row, a line each; None where all are NULL."""
    texts = [str(text) for text in row[1:] if text is not None]
    return "\n".join(texts) if texts else None
