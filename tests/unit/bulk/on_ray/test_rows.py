"""Rows come back from a cluster once each and in their order, or the run ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bulk_rows import lines, write_rows
from jrerank.bulk.on_ray.rows import READ, SCORED, RowSource, fields_of, source_row
from jrerank.bulk.on_ray.run import Taker
from jrerank.bulk.outputs.output import open_output
from jrerank.bulk.sources.files import open_file
from jrerank.bulk.sources.source import NOTHING_DONE, SourceRow
from jrerank.errors import Unavailable


def test_a_row_is_the_same_on_another_machine() -> None:
    row = SourceRow(7, b"{}", 9, "row 7 of in.parquet", "k", "query: it is not UTF-8")
    assert source_row(pa.Table.from_pylist([fields_of(row)], READ).to_pylist()[0]) == row


def scored(*numbers: int) -> pa.Table:
    rows: list[dict[str, Any]] = [
        {
            "number": number,
            "line": json.dumps({"id": str(number)}),
            "position": number,
            "pairs": 1,
            "tokens": 1,
        }
        | {"incomplete": False, "wrong": None}
        for number in numbers
    ]
    return pa.Table.from_pylist(rows, SCORED)


def taken(output: Path, *batches: pa.Table) -> None:
    with open_output(output, {"input": "a"}) as opened:
        Taker(opened, lambda *_: None).take(batches, 9)


@pytest.mark.parametrize("numbers", [(5,), (3,), (1,)], ids=["a gap", "a repeat", "from the beginning"])
def test_a_gap_or_a_repeat_ends_the_run_with_the_rows_before_it(
    numbers: tuple[int, ...], tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    taken(output, scored(1, 2))
    with pytest.raises(Unavailable, match=f"gave row {numbers[0]} in place of row 4"):
        taken(output, scored(3), scored(*numbers))
    taken(output, scored(4, 5))
    assert [line["id"] for line in lines(output)] == ["1", "2", "3", "4", "5"]


def test_rows_are_not_read_twice(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 70)
    (task,) = RowSource(open_file(tmp_path / "in.jsonl"), NOTHING_DONE).get_read_tasks()
    assert [row["number"] for table in task() for row in table.to_pylist()] == list(range(1, 71))
    with pytest.raises(Unavailable, match="the same command goes on"):
        list(task())
