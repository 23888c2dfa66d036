"""Rows of files, from any of them on."""

from __future__ import annotations

import gzip
import json
import random
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jrerank.bulk.sources.files import file_fingerprint, open_file
from jrerank.bulk.sources.source import Done, SourceRow
from jrerank.errors import InvalidInput
from jrerank.json_reader.text import parsed

ROWS = [
    {"query": "空", "passages": ["晴れ", "雨"]},
    {"query": "山", "passages": []},
    {"query": "海", "passages": ["波"]},
]
LINES = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS).replace("\n", "\n\n", 1)


def written(folder: Path, name: str) -> Path:
    path = folder / name
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=2)
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(LINES.encode()))
    else:
        path.write_text(LINES, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz", "in.parquet"])
@pytest.mark.parametrize("skipped", [0, 1, 3])
def test_rows_are_the_same_from_every_kind_of_file(name: str, skipped: int, tmp_path: Path) -> None:
    source = open_file(written(tmp_path, name))
    rows = list(source.rows(Done(skipped)))
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
        list(open_file(tmp_path / name).rows())


@pytest.mark.parametrize("damaged", [b"\xff" * 9, b""], ids=["corrupt", "cut off"])
def test_a_packed_file_that_is_damaged_is_named(damaged: bytes, tmp_path: Path) -> None:
    packed = gzip.compress(LINES.encode())
    (tmp_path / "in.jsonl.gz").write_bytes(packed[:10] + damaged)
    with pytest.raises(InvalidInput, match=r"in\.jsonl\.gz cannot be read"):
        list(open_file(tmp_path / "in.jsonl.gz").rows())


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz"])
def test_a_byte_order_mark_is_no_part_of_a_row(name: str, tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + LINES.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert [parsed(row.text) for row in open_file(tmp_path / name).rows()] == ROWS


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"there is no file .*in\.jsonl"):
        open_file(tmp_path / "in.jsonl")


def test_another_beginning_or_length_is_another_file(tmp_path: Path) -> None:
    prints = set()
    for number, text in enumerate(("a\n", "b\n", "a\n\n", "a\n")):
        (tmp_path / str(number)).write_text(text)
        prints.add(file_fingerprint(tmp_path / str(number)))
    assert len(prints) == 3


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("in.jsonl", ["line 1 of in.jsonl", "line 3 of in.jsonl", "line 4 of in.jsonl"]),
        ("in.parquet", ["row 1 of in.parquet", "row 2 of in.parquet", "row 3 of in.parquet"]),
    ],
)
def test_a_row_knows_its_place(name: str, places: list[str], tmp_path: Path) -> None:
    assert [row.place for row in open_file(written(tmp_path, name)).rows()] == places


def parquet_rows(path: Path, columns: dict[str, pa.Array]) -> list[SourceRow]:
    pq.write_table(pa.table(columns), path)
    return list(open_file(path).rows())


def test_what_json_has_no_words_for_is_a_text(tmp_path: Path) -> None:
    (row,) = parquet_rows(tmp_path / "in.parquet", {"id": pa.array([date(2026, 1, 2)])})
    assert json.loads(row.text) == {"id": "2026-01-02"}


def test_columns_that_are_none_of_ours_are_not_read(tmp_path: Path) -> None:
    columns = {"query": pa.array(["空"]), "image": pa.array([b"\xff"]), "hits.more": pa.array([1])}
    (row,) = parquet_rows(tmp_path / "in.parquet", columns)
    assert (json.loads(row.text), row.wrong) == ({"query": "空"}, None)
    (empty,) = parquet_rows(tmp_path / "in.parquet", {"image": pa.array([b"\xff"])})
    assert empty.text == b"{}"


def test_texts_may_be_binary_columns(tmp_path: Path) -> None:
    """Spark and others write them so, without a word about their encoding."""
    texts = pa.array(["空".encode()])
    hits = pa.array([[{"id": b"a", "text": "晴れ".encode()}]])
    (row,) = parquet_rows(tmp_path / "in.parquet", {"query": texts, "hits": hits})
    assert json.loads(row.text) == {"query": "空", "hits": [{"id": "a", "text": "晴れ"}]}


@pytest.mark.parametrize("kind", [pa.binary(), pa.string()], ids=str)
def test_what_is_not_utf_8_makes_one_row_wrong(kind: pa.DataType, tmp_path: Path) -> None:
    passages = pa.array([[b"a"], [b"b", "空".encode()[:2]], [b"c"]], pa.list_(pa.binary()))
    offsets, texts = passages.offsets, passages.values
    stored = pa.ListArray.from_arrays(offsets, texts.view(kind))
    rows = parquet_rows(tmp_path / "in.parquet", {"id": pa.array(["x", "y", "z"]), "passages": stored})
    assert [row.wrong for row in rows] == [
        None,
        "passages: it is not UTF-8 (unexpected end of data at byte 0)",
        None,
    ]
    assert [json.loads(row.text)["id"] for row in rows] == ["x", "y", "z"]


def test_a_file_that_breaks_off_says_where(tmp_path: Path) -> None:
    rows = [{"query": random.Random(number).randbytes(500).hex(), "passages": ["x"]} for number in range(64)]
    path = tmp_path / "in.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=32, compression="zstd")
    content = bytearray(path.read_bytes())
    middle = pq.read_metadata(path).row_group(1).column(0).data_page_offset
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)
    read = open_file(path).rows()
    with pytest.raises(InvalidInput, match=r"in\.parquet cannot be read behind row 32"):
        list(read)
