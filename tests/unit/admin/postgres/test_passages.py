"""Passages from a JSONL file: what is read, and how a wrong line is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from jrerank.admin.postgres.passages import Passage, read_passages
from jrerank.errors import InvalidInput


def written(folder: Path, *lines: object) -> Path:
    file = folder / "passages.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return file


def test_a_title_is_the_first_line_and_an_id_may_be_missing(tmp_path: Path) -> None:
    file = written(
        tmp_path, {"id": "a", "title": "山", "text": "富士山"}, {"text": "海"}, {"id": 7, "text": "空"}
    )
    assert [(passage.id, passage.text) for passage in read_passages(file)] == [
        ("a", "山\n富士山"), ("2", "海"), ("7", "空")
    ]  # fmt: skip


def test_blank_lines_count_but_are_none(tmp_path: Path) -> None:
    file = tmp_path / "passages.jsonl"
    file.write_text('\n{"text": "海"}\n\n', encoding="utf-8")
    assert [passage.id for passage in read_passages(file)] == ["2"]


def test_it_knows_how_far_it_has_read_also_of_a_packed_file(tmp_path: Path) -> None:
    line = b'{"id": "a", "text": "x", "vector": [1, 0.5]}\n'
    (tmp_path / "a.jsonl").write_bytes(line)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(line))
    assert list(read_passages(tmp_path / "a.jsonl")) == [Passage("a", "x", (1.0, 0.5), len(line))]
    (packed,) = read_passages(tmp_path / "a.jsonl.gz")
    assert packed.read_bytes == (tmp_path / "a.jsonl.gz").stat().st_size


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ([], "not a JSON object"),
        ({"id": "a"}, "with `text`"),
        ({"text": 5}, "with `text`"),
        ({"id": True, "text": "a"}, "`id`"),
        ({"id": [1], "text": "a"}, "`id`"),
        ({"text": "a\0"}, "NUL"),
        ({"id": "a\0", "text": "a"}, "NUL"),
        ({"text": "a", "vector": []}, "list of numbers"),
        ({"text": "a", "vector": [True]}, "list of numbers"),
        ({"text": "a", "vector": ["1"]}, "list of numbers"),
        ({"text": "a", "vector": [1]}, "vectors of one length"),
        ({"text": "a"}, "vectors of one length"),
    ],
)
def test_a_wrong_line_is_named(line: object, said: str, tmp_path: Path) -> None:
    file = written(tmp_path, {"text": "空", "vector": [1, 2]}, line)
    with pytest.raises(InvalidInput, match=r"^line 2: ") as caught:
        list(read_passages(file))
    assert said in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(b"not packed")
    for file in (tmp_path / "none.jsonl", tmp_path / "a.jsonl.gz"):
        with pytest.raises(InvalidInput, match=file.name):
            list(read_passages(file))
