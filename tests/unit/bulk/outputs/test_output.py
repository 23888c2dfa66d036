"""However a run ends, each row has one line, and the next run knows how many there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jrerank.bulk.outputs.output import Line, open_output
from jrerank.bulk.sources.source import Done
from jrerank.errors import InvalidInput

RUN = {"input": "a", "model": "m"}
TWO_MODELS = RUN | {"second_model": "s"}
LINES: list[dict[str, object]] = [{"id": str(number), "text": "富士山" * number} for number in range(6)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 400))
def test_what_a_kill_tore_is_written_anew(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.unlink(missing_ok=True)
    with open_output(path, RUN) as output:
        output.append(LINES[:3])
        output.append(LINES[3:])
    path.write_bytes(path.read_bytes()[:cut])
    with open_output(path, RUN) as resumed:
        resumed.append(LINES[resumed.done.rows :])
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == LINES


def test_a_run_that_is_over_has_nothing_left(tmp_path: Path) -> None:
    with open_output(tmp_path / "out.jsonl", RUN) as output:
        output.append(LINES)
    with open_output(tmp_path / "out.jsonl", RUN) as again:
        assert again.done == Done(6, "5")


@pytest.mark.parametrize("changed", ["input", "model"])
def test_another_run_does_not_go_on_in_it(changed: str, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with open_output(path, RUN) as output:
        output.append(LINES)
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match=f"of a run with another {changed}"):
        open_output(path, RUN | {changed: "other"})
    assert path.read_bytes() == before


@pytest.mark.parametrize(("before", "now"), [(RUN, TWO_MODELS), (TWO_MODELS, RUN)], ids=["added", "dropped"])
def test_a_run_goes_on_with_as_many_models_as_it_had(
    before: dict[str, str], now: dict[str, str], tmp_path: Path
) -> None:
    """A run without a second model notes none; half of the rows would have the scores of two models."""
    with open_output(tmp_path / "out.jsonl", before) as output:
        output.append(LINES)
    with pytest.raises(InvalidInput, match="of a run with another second_model"):
        open_output(tmp_path / "out.jsonl", now)


@pytest.mark.parametrize(
    ("name", "rows"), [("out.jsonl", "out.jsonl"), ("out.parquet", "out.parquet.rows.jsonl")]
)
def test_who_removes_what_the_refusal_names_begins_anew(name: str, rows: str, tmp_path: Path) -> None:
    path, other = tmp_path / name, RUN | {"model": "other"}
    with open_output(path, RUN) as output:
        output.append(LINES)
    with pytest.raises(InvalidInput, match=f"remove {rows} and {name}.run.json"):
        open_output(path, other)
    (tmp_path / f"{name}.run.json").unlink()
    with pytest.raises(InvalidInput, match=f"{rows} is there and not the output of a bulk run"):
        open_output(path, other)
    (tmp_path / rows).unlink()
    with open_output(path, other) as output:
        assert output.done.rows == 0


def test_a_note_that_is_damaged_is_named(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl.run.json").write_text("[1]")
    with pytest.raises(InvalidInput, match="not what a bulk run has noted"):
        open_output(tmp_path / "out.jsonl", RUN)


def test_a_file_of_somebody_elses_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("mine")
    with pytest.raises(InvalidInput, match="not the output of a bulk run"):
        open_output(path, RUN)
    assert path.read_text() == "mine"


def test_what_failed_before_is_counted(tmp_path: Path) -> None:
    """A line is not taken for a complete one by what its id says."""
    complete: Line = {"outcome": "complete", "hits": []}
    wrong: Line = {"id": '"outcome": "complete"', "error": "it is not JSON"}
    with open_output(tmp_path / "out.jsonl", RUN) as output:
        output.append(
            [{"id": "1", **complete}, wrong, {"id": "3", "outcome": "partial"}, {"id": "4", **complete}]
        )
    with open_output(tmp_path / "out.jsonl", RUN) as again:
        assert again.done == Done(4, "4", wrong_rows=1, incomplete_rows=1)


def test_a_line_of_no_run_is_named(tmp_path: Path) -> None:
    with open_output(tmp_path / "out.jsonl", RUN) as output:
        output.append([{"id": "1"}, {"number": 2}])
    with pytest.raises(InvalidInput, match=r"line 2 of .*out\.jsonl is none of a bulk run"):
        open_output(tmp_path / "out.jsonl", RUN)


@pytest.mark.parametrize("chars", [1, 1 << 20, 3 << 20])
def test_the_last_id_is_that_of_the_last_whole_line(chars: int, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with open_output(path, RUN) as output:
        output.append([{"id": "a", "text": "x" * chars}, {"id": "b", "text": "y" * chars}])
    with path.open("ab") as file:
        file.write(b'{"id": "torn')
    with open_output(path, RUN) as output:
        assert output.done == Done(2, "b")


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_one_run_at_a_time_writes_an_output(name: str, tmp_path: Path) -> None:
    path, lines_path = tmp_path / name, tmp_path / name.replace(".parquet", ".parquet.rows.jsonl")
    with open_output(path, RUN) as output:
        output.append(LINES[:2])
        with lines_path.open("ab") as file:
            file.write(b'{"id": "half written')
        before = lines_path.read_bytes()
        for run in (RUN, RUN | {"model": "other"}):
            with pytest.raises(InvalidInput, match="another run is writing") as refused:
                open_output(path, run)
            assert refused.value.field == "output"
        assert lines_path.read_bytes() == before
    with open_output(path, RUN) as output:
        assert output.done.rows == 2


@pytest.mark.parametrize("path", ["no-folder/out.jsonl", "no-folder/out.parquet"])
def test_an_output_that_cannot_be_written_is_named(path: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be written"):
        open_output(tmp_path / path, RUN)
