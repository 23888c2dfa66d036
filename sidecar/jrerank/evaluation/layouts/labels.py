"""Which passages are relevant: TREC's qrels, or JSONL as `bench labels` writes it.

qrels: `query-id 0 passage-id gain`; BEIR has three columns with a header.
"""

from __future__ import annotations

from pathlib import Path

from jrerank.evaluation.layouts.rows import gain_of, holds_objects, note_once, read_rows, read_table


def read_labels(path: Path) -> dict[str, dict[str, int]]:
    """Gains by query (its id, or its text) and passage, from qrels, or from JSONL, whatever the file is named.

    Raises:
        InvalidInput: the file can't be read, or a line lacks something.
    """
    return read_judgements(path) if holds_objects(path) else read_qrels(path)


def read_judgements(path: Path) -> dict[str, dict[str, int]]:
    """Lines {"query_id" or "query", "id", "label"}, as `bench labels` writes them: the last word on a pair counts.

    Raises:
        InvalidInput: a line lacks something.
    """
    labels: dict[str, dict[str, int]] = {}
    for row in read_rows(path):
        query = row.text("query_id" if "query_id" in row else "query")
        labels.setdefault(query, {})[row.text("id")] = gain_of(row.get("label", 1), row.place)
    return labels


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Gains by query and passage. BEIR's three columns with a header are read too.

    Raises:
        InvalidInput: a line has other columns, no integer at its end, or another gain for a pair than an earlier line.
    """
    labels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(read_table(path)):
        fields = line.values
        if len(fields) not in {3, 4}:
            raise line.place.wrong(f"{len(fields)} columns; qrels have 4, or 3 in BEIR")
        if number == 0 and not _is_number(fields[-1]):
            continue
        query, passage, gain = fields[0], fields[-2], gain_of(fields[-1], line.place)
        repeated = f"query {query!r} and passage {passage!r} come twice, with another label"
        note_once(labels.setdefault(query, {}), passage, gain, line.place, repeated)
    return labels


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
