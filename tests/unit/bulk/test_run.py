"""A file through a service: the sidecar's scores, in the rows' order, whatever befalls the run."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from bulk_rows import command, lines, reranked, write_rows
from jrerank.admin.app import app
from jrerank.bulk.run import rerank_source
from jrerank.bulk.sources.files import open_file
from jrerank.errors import UnknownStore
from tiny import tiny_http, tiny_settings


async def test_scores_are_the_sidecars_and_rows_keep_their_order(tiny_folder: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "in.jsonl", 12)
    report = await reranked(tiny_folder, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert (report.rows, report.pairs, report.wrong_rows, report.incomplete_rows) == (12, 240, 0, 0)
    answers = lines(tmp_path / "out.jsonl")
    assert [answer["id"] for answer in answers] == [row["id"] for row in rows]
    async with tiny_http(tiny_folder) as http:
        for row, answer in zip(rows, answers, strict=True):
            hits = [{"id": str(place), "text": text} for place, text in enumerate(row["passages"])]  # type: ignore[arg-type, var-annotated]
            response = await http.post("/v1/hits", json={"query": row["query"], "hits": hits})
            assert response.json()["hits"] == answer["hits"]


async def test_a_wrong_row_is_a_line_that_says_why_and_the_others_go_on(
    tiny_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_text(
        '{"query": "空"}\n{"id": "b", "query": "空", "passages": ["晴れ"]}\n?\n'
    )
    report = await reranked(tiny_folder, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert (report.rows, report.wrong_rows) == (3, 2)
    first, second, third = lines(tmp_path / "out.jsonl")
    assert first == {"id": "1", "error": "line 1 of in.jsonl: hits: Field required"}
    assert (second["id"], second["outcome"]) == ("b", "complete")
    assert str(third["error"]).startswith("line 3 of in.jsonl: it is not JSON")
    assert report.wrong[0] == "row 1: line 1 of in.jsonl: hits: Field required"


async def test_the_same_command_again_has_nothing_left_to_do(tiny_folder: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 3)
    await reranked(tiny_folder, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    before = (tmp_path / "out.jsonl").read_bytes()
    report = await reranked(tiny_folder, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert (report.before.rows, report.rows) == (3, 0)
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_the_command_ends_with_1_where_a_row_was_wrong(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.jsonl").write_text("?\n")
    arguments, variables = command(tiny_folder, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, arguments[3:])
    assert result.exit_code == 1
    assert "1 rows were wrong\nrow 1: line 1 of in.jsonl: it is not JSON" in result.output


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_the_command_ends_with_1_as_long_as_its_output_has_a_row_that_failed(
    name: str, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run has nothing left to do; whoever looks at its exit code is to know of the first one's rows."""
    good, wrong = '{"query": "空", "passages": ["晴れ"]}\n', "?\n"
    no_text = '{"query": "空", "hits": [{"id": "1"}]}\n'
    (tmp_path / "in.jsonl").write_text(good + wrong + no_text + no_text + good)
    arguments, variables = command(tiny_folder, tmp_path / "in.jsonl", tmp_path / name)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    first, second = (CliRunner().invoke(app, arguments[3:]) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (1, 1)
    assert "1 rows were wrong; 2 rows were not scored whole" in first.output
    assert "5 rows were done before (1 wrong, 2 not scored whole)" in second.output


def test_a_store_that_is_not_there_is_refused_before_a_row_has_an_error_for_it(
    tiny_folder: Path, tmp_path: Path
) -> None:
    write_rows(tmp_path / "in.jsonl", 1)
    settings, source = tiny_settings(tiny_folder), open_file(tmp_path / "in.jsonl")
    run = rerank_source(settings, source, tmp_path / "out.jsonl", "dosc", lambda *_: None)
    with pytest.raises(
        UnknownStore, match=r"--store dosc: there is no such store \(JRERANK_STORES has none\)"
    ):
        asyncio.run(run)
    assert [file.name for file in tmp_path.iterdir()] == ["in.jsonl"]


async def test_parquet_goes_in_and_out_with_the_same_columns(tiny_folder: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "in.jsonl", 12)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet", row_group_size=5)
    await reranked(tiny_folder, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    await reranked(tiny_folder, tmp_path / "in.parquet", tmp_path / "out.parquet")
    columns = pq.read_table(tmp_path / "out.parquet").to_pylist()
    answers = lines(tmp_path / "out.jsonl")
    for answer in answers:
        answer |= {"error": None, "second_read": None, "second_reason": None}
        answer["hits"] = [hit | {"best_text": None, "second_score": None} for hit in answer["hits"]]  # type: ignore[attr-defined]
    assert answers == columns


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ray", "auto", "--tokenizers", "2"], "--tokenizers is for this machine"),
        (["--dsn", "x", "--opensearch", "http://x"], "rows come from one place"),
        (["--where", "x.json"], "go with --opensearch"),
        (["--key", "number"], "--key goes with --dsn or --opensearch"),
        ([], "there is no file nothing.jsonl"),
    ],
)
def test_options_that_do_not_fit_together_are_named(options: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["bulk", "nothing.jsonl", "out.jsonl", "--model", "bundled", *options])
    assert result.exit_code == 2
    assert message in result.output
