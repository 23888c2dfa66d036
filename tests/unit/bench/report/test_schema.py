from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from jrerank.bench.report.schema import SCHEMA, Figure, read_json, write_json
from jrerank.errors import InvalidInput
from unit.bench.reports import quality_report

DOCUMENT = Path(__file__).parents[4] / "docs" / "bench-report.md"


def test_a_report_comes_back_as_it_was_written(tmp_path: Path) -> None:
    report = quality_report(0.5, 0.6)
    write_json(report, tmp_path / "report.json")
    assert read_json(tmp_path / "report.json") == report
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_another_version_of_the_form_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    file.write_text(json.dumps({**quality_report(0.5).model_dump(), "schema_version": "jrerank-bench/0"}))
    with pytest.raises(InvalidInput, match=f"is not a report of the form {SCHEMA}: schema_version"):
        read_json(file)


@pytest.mark.parametrize("content", ["", "[]", '{"kind": "quality"}'])
def test_what_is_no_report_is_refused_by_its_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(content)
    with pytest.raises(InvalidInput, match=r"other\.json is not a report"):
        read_json(file)
    with pytest.raises(InvalidInput, match="can't be read"):
        read_json(tmp_path / "absent.json")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can't be written"):
        write_json(quality_report(0.5), tmp_path / "no" / "report.json")


def test_no_figure_is_an_infinity() -> None:
    with pytest.raises(ValidationError):
        Figure(name="pairs/s", value=float("inf"))


def test_the_document_names_every_field() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    schema = quality_report(0.5).model_json_schema()
    fields = {name for part in (schema, *schema["$defs"].values()) for name in part["properties"]}
    assert SCHEMA in text
    assert not {name for name in fields if not re.search(rf"`(\w+(\[\])?\.)*{name}(\[\])?`", text)}
