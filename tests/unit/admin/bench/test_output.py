"""Where a report goes, whatever becomes of its comparison."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from jrerank.admin.bench.output import Outputs
from jrerank.bench.report.schema import Report, read_json
from jrerank.errors import InvalidInput
from unit.bench.reports import speed_report


def outputs(folder: Path, older: Report | None) -> Outputs:
    return Outputs(folder / "new.json", folder / "new.html", older)


def other_work() -> Report:
    return speed_report(10.0, 10.0, 10.0).model_copy(update={"parameters": {"depth": "50"}})


def test_a_comparison_that_is_refused_costs_no_file(tmp_path: Path) -> None:
    report = speed_report(10.0, 10.1, 10.2)
    with pytest.raises(InvalidInput, match="depth"):
        outputs(tmp_path, other_work()).deliver(report)
    assert read_json(tmp_path / "new.json") == report
    assert report.title.partition("<")[0] in (tmp_path / "new.html").read_text(encoding="utf-8")


def test_the_page_has_the_comparison_where_there_is_one(tmp_path: Path) -> None:
    outputs(tmp_path, None).deliver(speed_report(*[10.0 + 0.01 * number for number in range(9)]))
    assert "<h2>Since" not in (tmp_path / "new.html").read_text(encoding="utf-8")
    older = read_json(tmp_path / "new.json")
    with pytest.raises(typer.Exit):
        outputs(tmp_path, older).deliver(speed_report(*[5.0 + 0.01 * number for number in range(9)]))
    assert "<h2>Since" in (tmp_path / "new.html").read_text(encoding="utf-8")


def test_a_system_that_vanished_ends_with_1_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = speed_report(*[10.0 + 0.01 * number for number in range(9)])
    fp32 = report.systems[0].model_copy(update={"name": "fp32"})
    older = report.model_copy(update={"systems": (*report.systems, fp32)})
    with pytest.raises(typer.Exit) as ended:
        outputs(tmp_path, older).deliver(report)
    assert ended.value.exit_code == 1
    line = "fp32: the older report has it, this one does not"
    assert f"REGRESSION {line}" in capsys.readouterr().out
    assert f"regression: {line}" in (tmp_path / "new.html").read_text(encoding="utf-8")
    outputs(tmp_path, report).deliver(older)
