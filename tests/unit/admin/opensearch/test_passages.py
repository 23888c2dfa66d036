"""Passages keep all their fields."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jrerank.admin.opensearch.passages import read_passages, vector_dimension
from jrerank.errors import InvalidInput


def written(folder: Path, *lines: object) -> Path:
    file = folder / "passages.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return file


def test_all_fields_but_the_id(tmp_path: Path) -> None:
    file = written(tmp_path, {"id": 7, "text": "海", "tags": ["a"]}, {"body": "空"})
    assert [(one.id, one.content) for one in read_passages(file)] == [
        ("7", {"text": "海", "tags": ["a"]}),
        ("2", {"body": "空"}),
    ]


def test_the_first_vector_tells_the_dimension(tmp_path: Path) -> None:
    assert vector_dimension(written(tmp_path, {"id": 1, "e": [1, 2, 3]}), "e") == 3
    assert vector_dimension(written(tmp_path, {"id": 1})) is None
    assert vector_dimension(written(tmp_path)) is None


def test_vectors_of_two_lengths_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, {"vector": [1, 2]}, {"text": "none"}, {"vector": [1]})
    with pytest.raises(InvalidInput, match="line 3"):
        list(read_passages(file))
