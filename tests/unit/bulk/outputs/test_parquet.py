"""The columns of Parquet are the fields of JSONL; the file is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jrerank.bulk.outputs import parquet
from jrerank.bulk.outputs.output import Line, open_output
from jrerank.bulk.sources.source import Done
from jrerank.doors.native import HitsAnswer, RankedHitBody
from jrerank.errors import InvalidInput

RUN = {"input": "a", "model": "m"}
HIT: Line = {
    "id": "p",
    "score": 0.25,
    "rank": 1,
    "first_rank": 2,
    "first_score": None,
    "scored": True,
    "truncated": False,
    "best_text": 2,
    "second_score": 0.75,
}


def line(number: int) -> Line:
    if number % 5 == 4:
        return {"id": str(number), "error": "hits: Field required"}
    return {"id": str(number), "outcome": "complete", "reason": None, "missing": [], "hits": [HIT] * number}


LINES = [line(number) for number in range(12)]


def test_rows_are_those_of_jsonl_and_what_a_line_lacks_is_null(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    with open_output(path, RUN) as output:
        output.append(LINES)
        output.finish()
    rows = pq.read_table(path).to_pylist()
    assert [
        {name: value for name, value in row.items() if name in like}
        for row, like in zip(rows, LINES, strict=True)
    ] == LINES
    assert rows[4]["hits"] is None
    assert rows[0]["error"] is None
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.parquet", "out.parquet.run.json"]


def test_every_field_of_an_answer_has_a_column() -> None:
    """Also those that an answer has only with several texts, or with a second model."""
    schema = parquet._schema(pa)
    answered = set(HitsAnswer.model_fields) - {"model", "took_ms", "usage"}
    assert answered | {"id", "error"} == set(schema.names)
    assert {field.name for field in schema.field("hits").type.value_type} == set(RankedHitBody.model_fields)


def test_until_the_end_there_is_no_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    with open_output(path, RUN) as output:
        output.append(LINES[:7])
    assert not path.exists()
    with open_output(path, RUN) as resumed:
        assert resumed.done == Done(7, "6", wrong_rows=1)
        resumed.append(LINES[7:])
        resumed.finish()
    other = tmp_path / "other.parquet"
    with open_output(other, RUN) as undisturbed:
        undisturbed.append(LINES)
        undisturbed.finish()
    assert path.read_bytes() == other.read_bytes()


def test_a_run_that_is_finished_has_no_more_rows(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    with open_output(path, RUN) as output:
        output.append(LINES)
        output.finish()
    (tmp_path / "out.parquet.rows.jsonl").write_text("what a kill left")
    with open_output(path, RUN) as again:
        assert (again.is_finished, again.done.rows) == (True, 12)
        again.finish()
    with pytest.raises(InvalidInput, match="of a run with another model"):
        open_output(path, RUN | {"model": "other"})


def test_a_row_group_holds_some_of_the_hits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_HITS_AT_ONCE", 10)
    with open_output(tmp_path / "out.parquet", RUN) as output:
        output.append(LINES)
        output.finish()
    file = pq.ParquetFile(tmp_path / "out.parquet")
    assert file.num_row_groups > 3
    assert file.read().num_rows == len(LINES)


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out.parquet").write_bytes(b"PAR")
    (tmp_path / "out.parquet.run.json").write_text('{"input": "a", "model": "m"}')
    with pytest.raises(InvalidInput, match="is not the Parquet of a bulk run"):
        open_output(tmp_path / "out.parquet", RUN)
