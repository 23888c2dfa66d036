"""A statement of the user's own, in PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jrerank.bench.quality.live.source import COMPLETE, SearchAnswer
from jrerank.domain import Candidate
from jrerank.errors import ConfigurationError, InvalidInput, Unavailable

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True)
class SqlSearch:
    """A statement with `%(query)s` and `%(size)s` whose rows have an id, a text and, if it likes, a score, best first.

    Columns are known by the names `id`, `passage` (or `text`) and `score`, else taken in that order. Of a statement that
    `reranks`, the extension is asked what became of it.
    """

    connection: psycopg.Connection[tuple[Any, ...]]
    statement: str
    reranks: bool = False

    def __call__(self, query: str, size: int) -> SearchAnswer:
        """The rows as hits.

        Raises:
            Unavailable: the statement failed.
            InvalidInput: its rows have fewer than two columns.
        """
        import psycopg  # noqa: PLC0415  an extra

        try:
            if self.reranks:
                _forget_status(self.connection)
            started = time.perf_counter()
            cursor = self.connection.execute(self.statement.encode(), {"query": query, "size": size})
            names = [column.name for column in cursor.description or ()]
            rows = cursor.fetchall()
            seconds = time.perf_counter() - started
            outcome = _outcome(self.connection) if self.reranks else COMPLETE
        except psycopg.Error as error:
            raise Unavailable(f"PostgreSQL refused the statement: {str(error).strip()}") from None
        places = _places(names)
        try:
            return SearchAnswer(tuple(_candidate(row, places) for row in rows[:size]), seconds, outcome)
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"the statement must give an id, a text and a number, in columns named id, passage and score: {error}",
                field="sql",
            ) from None


@contextmanager
def connected(dsn: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection of its own.

    Raises:
        ConfigurationError: psycopg isn't installed.
        Unavailable: the server can't be reached.
    """
    try:
        import psycopg  # noqa: PLC0415  an extra
    except ImportError:
        raise ConfigurationError("psycopg is needed: pip install 'jrerank[postgres]'") from None
    try:
        connection = psycopg.connect(dsn, autocommit=True)
    except psycopg.Error as error:
        raise Unavailable(f"PostgreSQL can't be reached: {str(error).strip()}") from None
    with connection:
        yield connection


def read_statement(path: Path) -> str:
    """From a file.

    Raises:
        InvalidInput: it can't be read, or has no place for the query.
    """
    try:
        statement = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} can't be read: {error}", field="sql") from None
    if "%(query)s" not in statement:
        raise InvalidInput(
            f"{path} must have %(query)s where the query goes, and may have %(size)s", field="sql"
        )
    return statement


def _forget_status(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """A statement that doesn't rerank must not have the last one's outcome; the session keeps what comes."""
    for name, value in (("status", "session"), ("last_status", "")):
        connection.execute("select set_config(%s, %s, false)", (f"jrerank.{name}", value))


def _outcome(connection: psycopg.Connection[tuple[Any, ...]]) -> str:
    """Of the extension's last call; a statement that reranks without the extension says nothing of it."""
    from psycopg import errors  # noqa: PLC0415  an extra

    try:
        row = connection.execute("select outcome from jrerank.rerank_status()").fetchone()
    except (errors.UndefinedFunction, errors.InvalidSchemaName, errors.InsufficientPrivilege):
        return COMPLETE
    return str(row[0]) if row and row[0] else COMPLETE


def _places(names: list[str]) -> tuple[int, int, int | None]:
    if len(names) < 2:
        raise InvalidInput(
            f"the statement gives {len(names)} columns; it must give an id and a text", field="sql"
        )
    text = next((name for name in ("passage", "text") if name in names), None)
    score = names.index("score") if "score" in names else 2 if text is None and len(names) > 2 else None
    return (names.index("id") if "id" in names else 0), (names.index(text) if text else 1), score


def _candidate(row: tuple[Any, ...], places: tuple[int, int, int | None]) -> Candidate:
    id, text, score = places
    if row[text] is None:
        raise ValueError(f"the text of {row[id]!r} is null")
    return Candidate(
        str(row[id]), str(row[text]), None if score is None or row[score] is None else float(row[score])
    )
