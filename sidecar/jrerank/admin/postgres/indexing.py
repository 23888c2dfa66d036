"""Loads passages into a table and indexes them for Japanese: tokens made here, BM25 or tsvector, vectors where there are."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from jrerank.admin.postgres import index_statements as statements
from jrerank.admin.postgres.passages import Passage
from jrerank.admin.postgres.tables import Table
from jrerank.errors import ConfigurationError
from jrerank.evaluation.bigrams import bigrams

if TYPE_CHECKING:
    from jrerank.admin.postgres.connection import Connection

_BATCH = 1_000  # each is a transaction: what breaks off loses no more
BM25, GIN, HNSW = "bm25", "gin", "hnsw"


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many passages were sent, and how many were there unchanged."""

    sent: int
    unchanged: int


def load(
    connection: Connection,
    table: Table,
    passages: Iterable[Passage],
    progress: Callable[[Passage], None],
    *,
    reload: bool = False,
) -> Loaded:
    """Make the table if it isn't there, and put the passages in; those with the same id and text are passed over.

    Args:
        progress: called with the last passage of each batch that has been committed.
        reload: send those too, for vectors that have changed.

    Raises:
        ConfigurationError: the passages have vectors, and the server has no pgvector.
        InvalidInput: see `read_passages`.
    """
    connection.execute(_on(table, statements.CREATE_TABLE))
    connection.execute(_on(table, statements.ADD_TOKENS))
    connection.execute(statements.STAGE)
    sent = unchanged = 0
    for batch in _batches(passages):
        if sent + unchanged == 0 and batch[0].vector is not None:
            _add_vectors(connection, table, len(batch[0].vector))
        fresh = batch if reload else _fresh(connection, table, batch)
        _send(connection, table, fresh)
        sent, unchanged = sent + len(fresh), unchanged + len(batch) - len(fresh)
        progress(batch[-1])
    return Loaded(sent, unchanged)


def build_indexes(connection: Connection, table: Table) -> list[str]:
    """The indexes that search needs, if they aren't there: their kinds. BM25 where the server can, else GIN over a tsvector."""
    kinds = [_text_index(connection, table)]
    if _has_vectors(connection, table):
        connection.execute(_on(table, statements.VECTOR_INDEX, index=table.index("vectors")))
        kinds.append(HNSW)
    connection.execute(_on(table, statements.ANALYZE))
    return kinds


def find_index(connection: Connection, table: Table, kind: str) -> str | None:
    """The name of the table's index of that kind."""
    row = connection.execute(statements.FIND_INDEX, {"table": table.quoted, "kind": kind}).fetchone()
    return None if row is None else str(row[0])


def _text_index(connection: Connection, table: Table) -> str:
    if _can_bm25(connection):
        connection.execute(_on(table, statements.BM25_INDEX, index=table.index("bm25")))
        return BM25
    connection.execute(_on(table, statements.GIN_INDEX, index=table.index("tokens")))
    return GIN


def _can_bm25(connection: Connection) -> bool:
    """pg_textsearch also has to be among the server's shared_preload_libraries."""
    if not _is_offered(connection, "pg_textsearch"):
        return False
    try:
        connection.execute("create extension if not exists pg_textsearch")
    except psycopg.Error:
        return False
    return True


def _add_vectors(connection: Connection, table: Table, dimensions: int) -> None:
    if not _is_offered(connection, "vector"):
        raise ConfigurationError(
            "the passages have vectors, but this server has no pgvector (extension `vector`)"
        )
    connection.execute("create extension if not exists vector")
    connection.execute(_on(table, statements.ADD_VECTORS, dimensions=sql.Literal(dimensions)))


def _is_offered(connection: Connection, extension: str) -> bool:
    row = connection.execute(statements.IS_OFFERED, (extension,)).fetchone()
    return row is not None and bool(row[0])


def _has_vectors(connection: Connection, table: Table) -> bool:
    query = "select from pg_attribute where attrelid = %s::regclass and attname = 'embedding' and not attisdropped"
    return connection.execute(query, (table.quoted,)).fetchone() is not None


def _fresh(connection: Connection, table: Table, batch: Sequence[Passage]) -> list[Passage]:
    has_vectors = batch[0].vector is not None
    embedding = sql.SQL("embedding is not null" if has_vectors else "false")
    known = connection.execute(
        _on(table, statements.KNOWN, embedding=embedding), {"ids": [passage.id for passage in batch]}
    ).fetchall()
    unchanged = {(id, digest) for id, digest, embedded in known if embedded or not has_vectors}
    return [passage for passage in batch if (passage.id, _md5(passage.text)) not in unchanged]


def _send(connection: Connection, table: Table, passages: Sequence[Passage]) -> None:
    if not passages:
        return
    last = {passage.id: passage for passage in passages}  # of several lines with one id the last counts
    has_vectors = passages[0].vector is not None
    with connection.transaction():
        with connection.cursor() as cursor, cursor.copy(statements.COPY) as copy:
            for passage in last.values():
                copy.write_row(
                    (
                        passage.id,
                        passage.text,
                        " ".join(bigrams(passage.text)),
                        None if passage.vector is None else vector_literal(passage.vector),
                    )
                )
        merge = statements.MERGE_WITH_VECTORS if has_vectors else statements.MERGE
        connection.execute(_on(table, merge))


def _batches(passages: Iterable[Passage]) -> Iterator[list[Passage]]:
    remaining = iter(passages)
    while batch := list(itertools.islice(remaining, _BATCH)):
        yield batch


def _on(table: Table, statement: str, **names: sql.Composable) -> sql.Composed:
    return sql.SQL(statement).format(table=table.name, **names)


def vector_literal(vector: Sequence[float]) -> str:
    """As pgvector reads it."""
    return f"[{','.join(map(repr, vector))}]"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
