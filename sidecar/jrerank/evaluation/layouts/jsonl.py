"""Our own layout: JSONL, one line per query with its hits, labels in it or in a file of their own.

    {"id": "q1", "query": "富士山の高さ", "labels": {"a": 1},
     "hits": [{"id": "a", "text": "...", "score": 7.1}, ...]}

`labels` may also be a list of relevant ids. Hits without a text take it from a file of passages ({"id", "text", "title"?}).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jrerank.domain import Candidate
from jrerank.errors import InvalidInput
from jrerank.evaluation.collection import Collection
from jrerank.evaluation.layouts.rows import Row, gain_of, query_of, read_rows, sound, text_of


def read_jsonl(path: Path, passages: Path | None = None, labels: Path | None = None) -> Collection:
    """The collection of one file, or of a folder's `queries.jsonl`, with `passages.jsonl` and `labels.jsonl` where they are.

    Raises:
        InvalidInput: a file can't be read, or a line lacks something; the message says which.
    """
    if path.is_dir():
        passages = passages or _existing(path / "passages.jsonl")
        labels = labels or _existing(path / "labels.jsonl")
        path /= "queries.jsonl"
    texts = read_passages(passages) if passages else {}
    known = read_labels(labels) if labels else {}
    queries, hits, gains = {}, {}, {}
    for number, row in enumerate(read_rows(path), start=1):
        id = str(row.get("id", number))
        if id in queries:
            raise InvalidInput(f"{path}, line {number}: the query id {id!r} comes twice", field="id")
        queries[id] = query_of(text_of(row, "query", path), id, path, number)
        hits[id] = tuple(_hit(hit, texts, path) for hit in _list(row, "hits", path))
        gains[id] = {**known.get(id, known.get(queries[id], {})), **_gains(row.get("labels", {}), path)}
    return Collection(path.stem, queries, gains, hits)


def read_passages(path: Path) -> dict[str, str]:
    """Texts by id: `title`, newline and `text`, or `text` alone; `_id` and `docid` are ids too.

    Raises:
        InvalidInput: a line has no id or no text.
    """
    passages = {}
    for row in read_rows(path):
        id = next((row[key] for key in ("id", "_id", "docid") if key in row), None)
        if id is None:
            raise InvalidInput(f"{path}: a row has no 'id'", field="id")
        passages[str(id)] = titled(row.get("title"), text_of(row, "text", path))
    return passages


def read_labels(path: Path) -> dict[str, dict[str, int]]:
    """Lines {"query_id" or "query", "id", "label"}, as `bench labels` writes them: the last word on a pair counts.

    Raises:
        InvalidInput: a line lacks something.
    """
    labels: dict[str, dict[str, int]] = {}
    for row in read_rows(path):
        query = str(row["query_id"]) if "query_id" in row else text_of(row, "query", path)
        labels.setdefault(query, {})[text_of(row, "id", path)] = gain_of(row.get("label", 1), path)
    return labels


def titled(title: object, text: str) -> str:
    """A passage as the reranker reads it."""
    return f"{title}\n{text}" if title else text


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None


def _list(row: Row, field: str, path: Path) -> list[Any]:
    value = row.get(field)
    if value is not None and not isinstance(value, list):
        raise InvalidInput(f"{path}: `{field}` is no array but {value!r:.60}", field=field)
    return value or []


def _gains(labels: object, path: Path) -> dict[str, int]:
    if isinstance(labels, Mapping):
        return {str(id): gain_of(gain, path) for id, gain in labels.items()}
    if isinstance(labels, list):
        return {str(id): 1 for id in labels}
    raise InvalidInput(f"{path}: `labels` is neither an object of gains nor a list of ids", field="labels")


def _hit(hit: Any, passages: Mapping[str, str], path: Path) -> Candidate:
    row: Row = hit if isinstance(hit, dict) else {"id": hit}
    id, score = text_of(row, "id", path), row.get("score")
    if score is not None and not (type(score) in (int, float) and math.isfinite(score)):
        raise InvalidInput(f"{path}: the score {score!r} of hit {id!r} is no number", field="score")
    text = row.get("text")
    return Candidate(
        id, passages.get(id) if text is None else titled(row.get("title"), sound(str(text))), score
    )
