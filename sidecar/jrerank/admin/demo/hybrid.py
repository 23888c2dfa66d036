"""The demo's hybrid search in one SQL statement: BM25, vectors under HNSW, reciprocal rank fusion, rerank; each measured."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import psycopg

from jrerank.admin.demo.embedded_postgres import embedded_postgres
from jrerank.admin.demo.latent import LatentSpace
from jrerank.admin.demo.postgres import TIMEOUT_MS, check_outcome, set_up
from jrerank.admin.demo.sidecar import running_sidecar
from jrerank.admin.postgres.indexing import build_indexes, load
from jrerank.admin.postgres.passages import Passage
from jrerank.admin.postgres.search_statements import RANKS
from jrerank.admin.postgres.searching import Search, parameters, staged
from jrerank.admin.postgres.tables import Table

if TYPE_CHECKING:
    from jrerank.admin.postgres.connection import Connection
    from jrerank.evaluation.dataset import Dataset

STAGES = ("BM25", "vectors", "both by reciprocal rank", "reranker alone", "fusion of both")
VECTORS = (
    "The vectors are no neural embedding, which would need a model from a hub: they are latent semantic analysis of the passages'\n"
    "own bigrams. They show that the statement works, not what good vectors would add to BM25."
)
_DIMENSIONS = 256
_TABLE = Table.named("passages")


def run(
    dataset: Dataset, questions: int, model: str, precision: str, window: int
) -> dict[str, list[list[str]]]:
    """For each stage the ids of each question's hits, best first.

    Raises:
        ConfigurationError: the sidecar did not start.
        JrerankError: a question was not reranked.
    """
    from rich.progress import track

    space = LatentSpace.of(list(dataset.passages.values()), _DIMENSIONS)
    with (
        embedded_postgres() as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
        running_sidecar(model, precision) as url,
    ):
        load(connection, _TABLE, _with_vectors(dataset.passages, space), lambda _: None)
        build_indexes(connection, _TABLE)
        set_up(connection, url)
        statement = staged(connection, _TABLE, RANKS, has_vector=True)
        sample = track(dataset.sample(questions), description="Asking", disable=not sys.stdout.isatty())
        ranks = [_ask(connection, statement, question.text, space, window) for question in sample]
    return {stage: [_ordered(rows, place) for rows in ranks] for place, stage in enumerate(STAGES, start=1)}


def _with_vectors(passages: Mapping[str, str], space: LatentSpace) -> Iterator[Passage]:
    vectors = space.vectors(passages.values())
    for (id, text), vector in zip(passages.items(), vectors, strict=True):
        yield Passage(id, text, tuple(map(float, vector)), 0)


def _ask(
    connection: Connection, statement: psycopg.sql.Composed, query: str, space: LatentSpace, window: int
) -> Sequence[tuple[object, ...]]:
    vector = [float(one) for one in space.vectors([query])[0]]
    asked = Search(query, vector, window, timeout_ms=TIMEOUT_MS)
    rows = connection.execute(statement, parameters(asked)).fetchall()
    check_outcome(connection)
    return rows


def _ordered(rows: Sequence[tuple[object, ...]], place: int) -> list[str]:
    """The ids that have a rank at that place of their rows, by it."""
    ranked = [(rank, str(row[0])) for row in rows if isinstance(rank := row[place], int)]
    return [id for _, id in sorted(ranked)]
