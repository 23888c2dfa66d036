"""A row's line is about the row; what befalls the service ends the run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jrerank.assembly import running_service
from jrerank.bulk.answers import answer, model_of
from jrerank.bulk.report import BulkReport
from jrerank.bulk.rows import read_row
from jrerank.bulk.sources.source import SourceRow
from jrerank.errors import Unavailable
from jrerank.models.recommendation import RECOMMENDATION_FILE
from tiny import second_tiny_model, tiny_settings


async def test_a_service_that_ends_makes_no_row_wrong(tiny_folder: Path) -> None:
    async with running_service(tiny_settings(tiny_folder)) as service:
        row = read_row(SourceRow(1, '{"query": "空", "passages": ["晴れ"]}'.encode(), 0), service.intake)
    report = BulkReport()
    with pytest.raises(Unavailable):
        await answer(service, row, report)
    assert report.wrong_rows == 0


async def test_a_store_that_nobody_knows_is_the_rows_mistake(tiny_folder: Path) -> None:
    text = b'{"query": "q", "hits": [{"id": "a"}], "store": "nowhere"}'
    report = BulkReport()
    async with running_service(tiny_settings(tiny_folder)) as service:
        line = await answer(service, read_row(SourceRow(3, text, 0), service.intake), report)
    assert line == {"id": "3", "error": "there is no store 'nowhere' (none is configured)"}
    assert report.wrong == ["row 3: there is no store 'nowhere' (none is configured)"]


async def test_a_line_tells_of_the_second_model(tiny_folder: Path) -> None:
    second = second_tiny_model(tiny_folder)
    text = '{"query": "空", "passages": ["晴れ", "雨"]}'.encode()
    async with running_service(tiny_settings(tiny_folder, **second)) as service:
        line = await answer(service, read_row(SourceRow(1, text, 0), service.intake), BulkReport())
    assert line["second_read"] == 2
    assert all("second_score" in hit for hit in line["hits"])  # type: ignore[attr-defined]


async def test_a_run_is_of_both_models_and_of_how_the_second_one_reads(
    tiny_folder: Path, tmp_path: Path
) -> None:
    second = second_tiny_model(tiny_folder)
    runs = []
    windowed = shutil.copytree(str(second["second_model"]), tmp_path / "windowed")
    (windowed / RECOMMENDATION_FILE).write_text('{"window_tokens": 20}', encoding="utf-8")
    for changes in ({}, second, {**second, "second_depth": 4}, {**second, "second_model": str(windowed)}):
        async with running_service(tiny_settings(tiny_folder, **changes)) as service:
            runs.append(model_of(service))
    assert all(runs.count(run) == 1 for run in runs)
    assert {run["model"] for run in runs} == {runs[0]["model"]}
