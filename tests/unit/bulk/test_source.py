"""Rows of files, from any of them on."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jrerank.bulk.source import fingerprint, open_source
from jrerank.errors import InvalidInput

ROWS = [
    {"query": "空", "passages": ["晴れ", "雨"]},
    {"query": "山", "passages": []},
    {"query": "海", "passages": ["波"]},
]
LINES = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS).replace("\n", "\n\n", 1)


def written(folder: Path, name: str) -> Path:
    path = folder / name
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(LINES.encode()))
    else:
        path.write_text(LINES, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz", "in.parquet"])
@pytest.mark.parametrize("skipped", [0, 1, 3])
def test_rows_are_the_same_from_every_kind_of_file(name: str, skipped: int, tmp_path: Path) -> None:
    source = open_source(written(tmp_path, name))
    rows = list(source.rows(skipped))
    assert [json.loads(row.text) for row in rows] == ROWS[skipped:]
    assert [row.number for row in rows] == [1, 2, 3][skipped:]
    if rows:
        assert rows[-1].position == source.size


@pytest.mark.parametrize(
    ("name", "content"),
    [("in.parquet", b"PAR"), ("in.jsonl.gz", b"\x1f\x8b broken")],
    ids=["parquet", "gzip"],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=name):
        list(open_source(tmp_path / name).rows(0))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"there is no file .*in\.jsonl"):
        open_source(tmp_path / "in.jsonl")


def test_another_beginning_or_length_is_another_file(tmp_path: Path) -> None:
    prints = set()
    for number, text in enumerate(("a\n", "b\n", "a\n\n", "a\n")):
        (tmp_path / str(number)).write_text(text)
        prints.add(fingerprint(tmp_path / str(number)))
    assert len(prints) == 3
