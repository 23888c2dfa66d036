"""Searches a table that `index` has made: full text, vectors fused with it, reranked, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from jrerank.admin.postgres import search_statements as stages
from jrerank.admin.postgres.indexing import BM25, find_index, vector_literal
from jrerank.admin.postgres.tables import Table
from jrerank.evaluation.bigrams import bigrams

if TYPE_CHECKING:
    from jrerank.admin.postgres.connection import Connection

# HNSW finds no more than its list of candidates is long
_CANDIDATES = "select set_config('hnsw.ef_search', %s, true)"
_MIN_CANDIDATES, _MAX_CANDIDATES = 40, 1000


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for; `window` hits of the first stage are reranked, `top_n` of them come back."""

    query: str
    vector: Sequence[float] | None = None
    window: int = 50
    top_n: int = 10
    reranks: bool = True
    timeout_ms: int = 5000


@dataclass(frozen=True, slots=True)
class Hit:
    """`score` is None where the hit has not been reranked."""

    rank: int
    first_rank: int
    score: float | None
    id: str
    text: str


def search(connection: Connection, table: Table, asked: Search) -> list[Hit]:
    """The hits, best first.

    Raises:
        psycopg.Error: the table isn't there, or was not made by `index`.
    """
    statement = search_statement(connection, table, asked)
    with connection.transaction():
        if asked.vector is not None:
            candidates = min(_MAX_CANDIDATES, max(_MIN_CANDIDATES, asked.window))
            connection.execute(_CANDIDATES, (str(candidates),))
        return [Hit(*row) for row in connection.execute(statement, parameters(asked)).fetchall()]


def why_incomplete(connection: Connection) -> str | None:
    """Why not all hits of the last search were reranked; None where they were."""
    row = connection.execute(stages.OUTCOME).fetchone()
    if row is None or row[0] == "complete":
        return None
    return ": ".join(filter(None, row))


def search_statement(connection: Connection, table: Table, asked: Search) -> sql.Composed:
    """One statement for all stages; `parameters` are its parameters."""
    last = stages.RERANK if asked.reranks else stages.SHOW_FIRST_STAGE
    return staged(connection, table, last, has_vector=asked.vector is not None)


def staged(connection: Connection, table: Table, last: str, *, has_vector: bool) -> sql.Composed:
    """The stages that the table's indexes allow, and `last`, which selects from them."""
    bm25 = find_index(connection, table, BM25)
    names = {"table": table.name, "index": sql.Literal(bm25)}
    text = stages.BY_TSVECTOR if bm25 is None else stages.BY_BM25
    first = [text, stages.BY_VECTOR, stages.BOTH_FUSED] if has_vector else [text, stages.TEXT_ALONE]
    return sql.SQL("with {}{}").format(
        sql.SQL(",").join(sql.SQL(stage).format(**names) for stage in first), sql.SQL(last).format(**names)
    )


def parameters(asked: Search) -> dict[str, object]:
    """Of the statement for this search."""
    return {
        "query": asked.query,
        "tokens": " ".join(bigrams(asked.query)),
        "vector": None if asked.vector is None else vector_literal(asked.vector),
        "window": asked.window,
        "top_n": asked.top_n,
        "timeout_ms": asked.timeout_ms,
    }
