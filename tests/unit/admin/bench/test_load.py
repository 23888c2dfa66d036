"""A run in which nothing was answered is a failure, not a report of low latencies."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.bench.load.record import Answer, Record, unanswered
from jrerank.bench.report.schema import read_json


@pytest.fixture
def refusing_url() -> Iterator[str]:
    """A port that is taken and that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_target_that_answers_nothing_ends_with_1_and_a_sentence(tmp_path: Path, refusing_url: str) -> None:
    file = tmp_path / "load.json"
    line = [
        "bench",
        "load",
        "--url",
        refusing_url,
        "--rate",
        "10",
        "--seconds",
        "1",
        "--arrivals",
        "constant",
    ]
    result = CliRunner().invoke(app, [*line, "--json", str(file)])
    assert result.exit_code == 1, result.output
    assert f"error: {refusing_url}: none of 10 requests was answered, most often with: " in result.output
    figures = {figure.name: figure.value for figure in read_json(file).systems[0].figures}
    assert figures["error"] == 10


@pytest.mark.parametrize("options", [("--find-p99-ms", "100", "--rate", "10"), ("--rate", "2x")])
def test_no_rate_is_searched_and_no_capacity_measured_of_a_target_that_is_dead(
    refusing_url: str, options: tuple[str, ...]
) -> None:
    result = CliRunner().invoke(app, ["bench", "load", "--url", refusing_url, "--seconds", "30", *options])
    assert result.exit_code == 1, result.output
    assert f"error: {refusing_url}: a single request failed: ClientConnectorError" in result.output


def test_a_server_that_is_not_there_is_said_at_once(tmp_path: Path, refusing_url: str) -> None:
    statement = tmp_path / "search.sql"
    statement.write_text("select %(query)s")
    dsn = refusing_url.replace("http", "postgresql") + "/shop"
    result = CliRunner().invoke(app, ["bench", "load", "--dsn", dsn, "--sql", str(statement), "--rate", "2"])
    assert result.exit_code == 1, result.output
    assert "error: PostgreSQL can't be reached: connection failed" in result.output


def record(*outcomes: str) -> Record:
    made = Record()
    for outcome in outcomes:
        made.add(0.0, 0.0, 0.1, Answer(outcome), 0, 1.0)
    return made


def test_refusals_are_no_answers_and_a_single_answer_is_enough() -> None:
    assert unanswered(record("refused", "error")) == "none of 2 requests was answered"
    assert unanswered(record("refused", "error", "passthrough")) is None
    assert unanswered(record()) is None
