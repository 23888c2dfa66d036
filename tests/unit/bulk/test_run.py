"""A file through a service: the sidecar's scores, in the rows' order, whatever befalls the run."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.bulk.run import BulkReport, rerank_file
from tiny import tiny_http, tiny_settings

WORDS = ("富士山", "空", "高さ", "今日の天気は", "晴れです。")


def write_rows(path: Path, rows: int) -> list[dict[str, object]]:
    generator = random.Random(rows)
    written: list[dict[str, object]] = [
        {
            "id": f"q{number}",
            "query": generator.choice(WORDS) + str(number),
            "passages": ["".join(generator.choices(WORDS, k=generator.randrange(1, 20))) for _ in range(20)],
        }
        for number in range(rows)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in written), encoding="utf-8")
    return written


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


async def reranked(folder: Path, source: Path, output: Path) -> BulkReport:
    return await rerank_file(tiny_settings(folder), source, output, None, lambda *_: None)


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
    assert first == {"id": "1", "error": "hits: Field required"}
    assert (second["id"], second["outcome"]) == ("b", "complete")
    assert str(third["error"]).startswith("it is not JSON")


async def test_the_same_command_again_has_nothing_left_to_do(tiny_folder: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 3)
    await reranked(tiny_folder, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    before = (tmp_path / "out.jsonl").read_bytes()
    report = await reranked(tiny_folder, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert (report.resumed_rows, report.rows) == (3, 0)
    assert (tmp_path / "out.jsonl").read_bytes() == before


def command(folder: Path, source: Path, output: Path) -> tuple[list[str], dict[str, str]]:
    settings = tiny_settings(folder)
    options = ["--model", settings.model, "--precision", "fp32"]
    variables = {"JRERANK_CACHE_DIR": str(settings.cache_dir), "JRERANK_WORKERS": "1"}
    return [sys.executable, "-m", "jrerank.admin", "bulk", str(source), str(output), *options], variables


def killed_when_it_writes(arguments: list[str], environment: dict[str, str], output: Path) -> None:
    size = output.stat().st_size if output.exists() else 0
    run = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 60
    while not output.exists() or output.stat().st_size == size:
        assert run.poll() is None, "the run was over before it was killed"
        assert time.monotonic() < give_up
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()


async def test_a_run_that_is_killed_twice_loses_no_row_and_has_none_twice(
    tiny_folder: Path, tmp_path: Path
) -> None:
    source, output, undisturbed = (tmp_path / name for name in ("in.jsonl", "out.jsonl", "undisturbed.jsonl"))
    rows = 600
    write_rows(source, rows)
    arguments, variables = command(tiny_folder, source, output)
    environment = os.environ | variables
    for _ in range(2):
        killed_when_it_writes(arguments, environment, output)
    done = await asyncio.to_thread(
        subprocess.run, arguments, env=environment, capture_output=True, text=True, check=True
    )
    assert "rows were done before" in done.stderr
    await reranked(tiny_folder, source, undisturbed)
    assert output.read_bytes() == undisturbed.read_bytes()
    assert len(lines(output)) == rows


def test_the_command_ends_with_1_where_a_row_was_wrong(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.jsonl").write_text("?\n")
    arguments, variables = command(tiny_folder, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, arguments[3:])
    assert result.exit_code == 1
    assert "1 rows were wrong" in result.output
