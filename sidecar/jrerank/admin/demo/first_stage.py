"""The demo's first stage: an embedded PostgreSQL with BM25 over bigrams made outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from jrerank.admin.demo.embedded_postgres import embedded_postgres
from jrerank.domain import Candidate
from jrerank.evaluation.bigrams import bigrams

_SCHEMA = """
create extension if not exists pg_textsearch;
create table passages (id text primary key, passage text not null, tokens text not null)
"""
_INDEX = "create index passages_bm25 on passages using bm25 (tokens) with (text_config = 'simple', k1 = 1.2, b = 0.75)"
# The operator gives the negative BM25 score, so that an ascending index scan has the best first
SEARCH = """
select id, passage, -(tokens <@> to_bm25query(%(tokens)s, 'passages_bm25')) as score
from passages order by tokens <@> to_bm25query(%(tokens)s, 'passages_bm25') limit %(size)s
"""


@dataclass(frozen=True, slots=True)
class FirstStage:
    """BM25 over the passages of one table."""

    connection: psycopg.Connection[tuple[str, str, float]]

    def search(self, query: str, size: int) -> tuple[Candidate, ...]:
        """The best `size` passages, the best first, with their BM25 scores."""
        rows = self.connection.execute(SEARCH, search_parameters(query, size)).fetchall()
        return tuple(Candidate(id, passage, score) for id, passage, score in rows)


def search_parameters(query: str, size: int) -> dict[str, object]:
    """Of `SEARCH`."""
    return {"tokens": " ".join(bigrams(query)), "size": size}


@contextmanager
def embedded_first_stage(passages: Mapping[str, str]) -> Iterator[FirstStage]:
    """Start PostgreSQL, load and index `passages`, and remove all of it at the end."""
    with embedded_postgres() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        load(connection, passages)
        yield FirstStage(connection)


def load(connection: psycopg.Connection[tuple[str, str, float]], passages: Mapping[str, str]) -> None:
    """Create the table, copy the passages with their tokens into it, and index it."""
    connection.execute(_SCHEMA)
    with connection.cursor() as cursor, cursor.copy("copy passages (id, passage, tokens) from stdin") as copy:
        for id, passage in passages.items():
            copy.write_row((id, passage, " ".join(bigrams(passage))))
    connection.execute(_INDEX)
