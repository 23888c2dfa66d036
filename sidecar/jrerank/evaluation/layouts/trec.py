"""TREC's queries and runs.

Run: `query-id Q0 passage-id rank score tag`. A run is read in the order of its scores, equal ones in the order of its ranks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from jrerank.domain import Candidate
from jrerank.evaluation.collection import Collection, Hits
from jrerank.evaluation.layouts.jsonl import read_passages
from jrerank.evaluation.layouts.labels import read_labels
from jrerank.evaluation.layouts.rows import Fields, Place, holds_objects, query_of, read_rows, read_table


def read_trec(queries: Path, passages: Path, labels: Path, run: Path) -> Collection:
    """Queries (TSV or JSONL), passages (JSONL), labels (qrels, or JSONL) and a run.

    Raises:
        InvalidInput: a file can't be read, or a line lacks something.
    """
    texts = read_passages(passages)
    return Collection(labels.stem, read_queries(queries), read_labels(labels), read_run(run, texts))


def read_queries(path: Path) -> dict[str, str]:
    """Texts by id: `id <tab> text`, or JSONL with `id` (`_id`, `query_id`) and `query` (`text`).

    Raises:
        InvalidInput: a line lacks something, its text is blank, or its id comes twice.
    """
    queries: dict[str, str] = {}
    for place, id, text in _row_queries(path) if holds_objects(path) else _table_queries(path):
        if id in queries:
            raise place.wrong(f"the query id {id!r} comes twice", "id")
        queries[id] = query_of(text, id, place)
    return queries


def read_run(path: Path, passages: Mapping[str, str]) -> Hits:
    """Hit lists by query, best first.

    Raises:
        InvalidInput: a line has other columns, no number where the score is, or a passage that its query has already.
    """
    lists: dict[str, dict[str, tuple[float, int]]] = {}
    for line in read_table(path):
        query, passage, key = _ranked(line)
        hits = lists.setdefault(query, {})
        if passage in hits:
            raise line.place.wrong(f"the passage {passage!r} comes twice for the query {query!r}")
        hits[passage] = key
    return {
        query: tuple(
            Candidate(id, passages.get(id), -negative)
            for (negative, _), id in sorted((key, id) for id, key in hits.items())
        )
        for query, hits in lists.items()
    }


def _table_queries(path: Path) -> Iterator[tuple[Place, str, str]]:
    for line in read_table(path):
        id, *words = line.values
        yield line.place, id, " ".join(words)


def _row_queries(path: Path) -> Iterator[tuple[Place, str, str]]:
    for row in read_rows(path):
        key = next((key for key in ("id", "_id", "query_id") if key in row), "id")
        yield row.place, row.text(key), row.text("query" if "query" in row else "text")


def _ranked(line: Fields) -> tuple[str, str, tuple[float, int]]:
    """The query, the passage, and what the list is sorted by."""
    try:
        query, _, passage, rank, score = line.values[:5]
        return query, passage, (-_finite(score), int(rank))
    except ValueError:
        raise line.place.wrong("a run has `query Q0 passage rank score tag`") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
