"""TREC's qrels and runs.

qrels: `query-id 0 passage-id gain`; run: `query-id Q0 passage-id rank score tag`. A run is read in the order of its scores, equal
ones in the order of its ranks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from jrerank.domain import Candidate
from jrerank.errors import InvalidInput
from jrerank.evaluation.collection import Collection, Hits
from jrerank.evaluation.layouts.jsonl import read_passages
from jrerank.evaluation.layouts.rows import gain_of, query_of, read_rows, read_table, text_of


def read_trec(queries: Path, passages: Path, qrels: Path, run: Path) -> Collection:
    """Queries (TSV or JSONL), passages (JSONL), qrels and a run.

    Raises:
        InvalidInput: a file can't be read, or a line lacks something.
    """
    texts = read_passages(passages)
    return Collection(qrels.stem, read_queries(queries), read_qrels(qrels), read_run(run, texts))


def read_queries(path: Path) -> dict[str, str]:
    """Texts by id: `id <tab> text`, or JSONL with `id` (`_id`, `query_id`) and `query` (`text`).

    Raises:
        InvalidInput: a line lacks something, or its text is blank.
    """
    if path.suffix in {".tsv", ".txt"}:
        return {
            id: query_of(" ".join(words), id, path, number)
            for number, (id, *words) in enumerate(read_table(path), start=1)
        }
    queries = {}
    for number, row in enumerate(read_rows(path), start=1):
        key = next((key for key in ("id", "_id", "query_id") if key in row), "id")
        id, text = text_of(row, key, path), text_of(row, "query" if "query" in row else "text", path)
        queries[id] = query_of(text, id, path, number)
    return queries


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Gains by query and passage. BEIR's three columns with a header are read too.

    Raises:
        InvalidInput: a line has other columns, or no integer at its end.
    """
    labels: dict[str, dict[str, int]] = {}
    for number, fields in enumerate(read_table(path), start=1):
        if len(fields) not in {3, 4}:
            raise InvalidInput(
                f"{path}, line {number}: {len(fields)} columns; qrels have 4, or 3 in BEIR",
                field=f"line {number}",
            )
        if number == 1 and not fields[-1].lstrip("-").isdigit():
            continue
        query, passage = fields[0], fields[-2]
        labels.setdefault(query, {})[passage] = gain_of(fields[-1], path)
    return labels


def read_run(path: Path, passages: Mapping[str, str]) -> Hits:
    """Hit lists by query, best first.

    Raises:
        InvalidInput: a line has other columns, or no number where the score is.
    """
    lists: dict[str, list[tuple[float, int, str]]] = {}
    for number, fields in enumerate(read_table(path), start=1):
        try:
            query, _, passage, rank, score = fields[:5]
            entry = (-_finite(score), int(rank), passage)
        except ValueError:
            raise InvalidInput(
                f"{path}, line {number}: a run has `query Q0 passage rank score tag`", field=f"line {number}"
            ) from None
        lists.setdefault(query, []).append(entry)
    return {
        query: tuple(Candidate(id, passages.get(id), -negative) for negative, _, id in sorted(entries))
        for query, entries in lists.items()
    }


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
