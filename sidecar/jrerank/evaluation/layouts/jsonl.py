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
from jrerank.evaluation.collection import Collection, first_repeated
from jrerank.evaluation.layouts.labels import read_labels
from jrerank.evaluation.layouts.rows import Row, gain_of, note_once, query_of, read_rows, sound


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
            raise row.wrong(f"the query id {id!r} comes twice", "id")
        queries[id] = query_of(row.text("query"), id, row.place)
        hits[id] = _hits(row, texts)
        gains[id] = {**known.get(id, known.get(queries[id], {})), **_gains(row)}
    if not queries:
        raise InvalidInput(f"{path} has no query", field="data")
    return Collection(path.stem, queries, gains, hits, passages=texts)


def read_passages(*paths: Path) -> dict[str, str]:
    """Texts by id: `title`, newline and `text`, or `text` alone; `_id` and `docid` are ids too.

    Raises:
        InvalidInput: a line has no id or no text, or an id that an earlier one has with another text.
    """
    passages: dict[str, str] = {}
    for row in (row for path in paths for row in read_rows(path)):
        id = row.text(next((key for key in ("id", "_id", "docid") if key in row), "id"))
        text = titled(row.get("title"), row.text("text"))
        note_once(passages, id, text, row.place, f"the passage id {id!r} comes twice, with another text")
    return passages


def titled(title: object, text: str) -> str:
    """A passage as the reranker reads it."""
    return f"{title}\n{text}" if title else text


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None


def _hits(row: Row, passages: Mapping[str, str]) -> tuple[Candidate, ...]:
    listed = row.get("hits")
    if listed is not None and not isinstance(listed, list):
        raise row.wrong(f"`hits` is no array but {listed!r:.60}", "hits")
    hits = tuple(_hit(hit, passages, row) for hit in listed or ())
    if (repeated := first_repeated(hits)) is not None:
        raise row.wrong(f"the hit {repeated!r} comes twice in one list", "hits")
    return hits


def _gains(row: Row) -> dict[str, int]:
    labels = row.get("labels", {})
    if isinstance(labels, Mapping):
        return {str(id): gain_of(gain, row.place) for id, gain in labels.items()}
    if isinstance(labels, list):
        return {str(id): 1 for id in labels}
    raise row.wrong("`labels` is neither an object of gains nor a list of ids", "labels")


def _hit(content: Any, passages: Mapping[str, str], row: Row) -> Candidate:
    hit = Row(row.place, content if isinstance(content, dict) else {"id": content})
    id, score, text = hit.text("id"), hit.get("score"), hit.get("text")
    if score is not None and not (type(score) in (int, float) and math.isfinite(score)):
        raise row.wrong(f"the score {score!r} of hit {id!r} is no number", "score")
    return Candidate(
        id, passages.get(id) if text is None else titled(hit.get("title"), sound(str(text))), score
    )
