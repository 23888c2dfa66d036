"""JSON objects from a file: what is read, and how a wrong line is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from jrerank.admin.jsonl import Line, read_lines
from jrerank.errors import InvalidInput


def test_blank_lines_count_but_are_none(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('\n{"text": "海"}\n \n{"id": 7}', encoding="utf-8")
    assert [(line.number, line.id) for line in read_lines(file)] == [(2, "2"), (4, "7")]


def test_packed_files_are_unpacked_and_tell_how_far_they_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"a": 1}\n{"a": 2}\n'))
    lines = list(read_lines(file))
    assert [line.content for line in lines] == [{"a": 1}, {"a": 2}]
    assert lines[-1].read_bytes == file.stat().st_size


@pytest.mark.parametrize("line", ["[]", "{", '"text"', "{} {}", "\\ud800"])
def test_a_wrong_line_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"a": 1}\n' + line, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"^line 2: ") as caught:
        list(read_lines(file))
    assert caught.value.field == "line 2"


def test_bytes_that_are_no_text_are_a_wrong_line(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(InvalidInput, match="line 1"):
        list(read_lines(file))


def test_vectors_are_numbers() -> None:
    assert Line(1, {"vector": [1, 0.5]}, 0).vector() == (1.0, 0.5)
    assert Line(1, {"vector": None}, 0).vector() is None
    for odd in ([], [True], ["1"], 5):
        with pytest.raises(InvalidInput, match="`embedding` is not a list of numbers"):
            Line(3, {"embedding": odd}, 0).vector("embedding")


@pytest.mark.parametrize("odd", [True, 1.5, None, ["a"]])
def test_an_id_is_a_string_or_an_integer(odd: object) -> None:
    with pytest.raises(InvalidInput, match="line 3"):
        _ = Line(3, {"id": odd}, 0).id


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(b"not packed")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b"{}")[:10] + b"\xff" * 9)
    for file in (tmp_path / "none.jsonl", tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"):
        with pytest.raises(InvalidInput, match=file.name):
            list(read_lines(file))
