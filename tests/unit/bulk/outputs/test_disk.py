"""A disk that is full costs no row: the run ends in a line, and the next one goes on. A limit for files stands for the disk."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jrerank.bulk.outputs.output import Line, open_output
from jrerank.errors import InvalidInput, Unavailable

RUN = {"input": "a", "model": "m"}
LINES: list[Line] = [
    {"id": str(number), "outcome": "complete", "reason": "0123456789" * number, "hits": []}
    for number in range(400)
]


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """In a file of this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [3_000, 100_000])
def test_lines_that_found_no_room_are_written_by_the_next_run(size: int, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with (
        room_for(size),
        pytest.raises(Unavailable, match=r"out\.jsonl cannot be written: .*; the same command goes on"),
        open_output(path, RUN) as output,
    ):
        output.append(LINES[:10])
        output.append(LINES[10:])
    with open_output(path, RUN) as resumed:
        assert 10 <= resumed.done.rows < 400
        resumed.append(LINES[resumed.done.rows :])
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == LINES


def test_a_parquet_file_that_found_no_room_leaves_its_lines_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    with open_output(path, RUN) as output:
        output.append(LINES)
        with room_for(400), pytest.raises(Unavailable, match=r"out\.parquet cannot be written: .*goes on"):
            output.finish()
    assert {file.name for file in tmp_path.iterdir()} == {"out.parquet.rows.jsonl", "out.parquet.run.json"}
    with open_output(path, RUN) as resumed:
        resumed.finish()
    with open_output(path, RUN) as again:
        assert (again.is_finished, again.done.rows) == (True, 400)


def test_a_note_that_found_no_room_leaves_no_draft(tmp_path: Path) -> None:
    with room_for(5), pytest.raises(InvalidInput, match="cannot be written"):
        open_output(tmp_path / "out.jsonl", RUN)
    assert [file.name for file in tmp_path.iterdir()] == ["out.jsonl"]
