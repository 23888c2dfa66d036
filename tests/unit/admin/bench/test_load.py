"""A run in which nothing was answered is a failure, not a report of low latencies."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

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


@contextmanager
def answering(status: Callable[[int], int | None]) -> Iterator[tuple[str, list[int]]]:
    """A sidecar's URL, and the deadlines of the requests that have come, in ms.

    `status` is of the answer to so many requests that are no calibration; None hangs up on all, as a dead process does.
    """
    deadlines: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            deadlines.append(body["timeout_ms"])
            given = status(sum(one < 60_000 for one in deadlines))
            if given is None:
                return
            hits = [{"id": hit["id"], "scored": True} for hit in body["hits"]]
            self.send_response(given)
            self.end_headers()
            self.wfile.write(json.dumps({"outcome": "complete", "hits": hits}).encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", deadlines
        server.shutdown()


def loaded(url: str, *options: str) -> Result:
    return CliRunner().invoke(
        app, ["bench", "load", "--url", url, "--documents", "1", "--arrivals", "constant", *options]
    )


def test_a_target_that_refuses_everything_ends_the_search_at_once() -> None:
    with answering(lambda number: 503) as (url, deadlines):
        result = loaded(url, "--find-p99-ms", "100", "--rate", "10")
    assert result.exit_code == 1, result.output
    assert f"error: {url}: 10 requests were refused, one after the other" in result.output
    assert len(deadlines) == 10


def test_a_target_that_dies_in_a_search_leaves_the_trials_that_were_made(tmp_path: Path) -> None:
    file = tmp_path / "load.json"
    options = ("--find-p99-ms", "20000", "--rate", "100", "--seconds", "1", "--json", str(file))
    with answering(lambda number: 200 if number <= 150 else None) as (url, _):
        result = loaded(url, *options)
    assert result.exit_code == 1, result.output
    assert f"error: {url}: none of " in result.output
    report = read_json(file)
    figures = {figure.name: figure.value for figure in report.systems[0].figures}
    assert (figures["highest rate"], figures["complete"]) == (100, 0)
    (note,) = [note for note in report.notes if note.startswith("the target stopped answering: ")]
    assert "; now a single request failed: ServerDisconnectedError" in note


def test_a_target_that_dies_in_a_run_leaves_its_report(tmp_path: Path) -> None:
    file = tmp_path / "load.json"
    options = ("--rate", "0.5x", "--seconds", "1", "--json", str(file))
    with answering(lambda number: 200 if number <= 2 else None) as (url, _):
        result = loaded(url, *options)
    assert result.exit_code == 1, result.output
    assert f"error: {url}: after the run, a single request failed: " in result.output
    report = read_json(file)
    figures = {figure.name: figure.value for figure in report.systems[0].figures}
    assert figures["complete"] == 2
    assert figures["error"] > 0
    assert figures["capacity"] > 0
    assert any("the capacity is from before it" in note for note in report.notes)


@pytest.mark.parametrize("rate", ["10", "0.0001x"])
def test_a_rate_that_has_too_few_requests_for_a_p99_is_not_searched_from(rate: str) -> None:
    with answering(lambda number: 200) as (url, deadlines):
        result = loaded(url, "--find-p99-ms", "100", "--rate", rate, "--seconds", "2")
    assert result.exit_code == 2, result.output
    assert "requests, and a p99 is of 100 or more: --seconds " in result.output
    assert rate == "0.0001x" or ("--seconds 10" in result.output and not deadlines)


SEARCHES_PER_S, HITS = 50, 100


@contextmanager
def searching() -> Iterator[str]:
    """The URL of a search that serves so many in a second, one after the other, each with so many hits reranked."""
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            with turn:
                time.sleep(1 / SEARCHES_PER_S)
            marker = {"outcome": "complete", "reranked": HITS}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"hits": {"hits": []}, "ext": {"jrerank": marker}}).encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/docs/_search"
        server.shutdown()


def test_a_multiple_is_of_the_searches_that_are_served_however_many_hits_they_have(tmp_path: Path) -> None:
    """The search of a rate begins there; it is told, as it has too few requests for a p99."""
    template = tmp_path / "body.json"
    template.write_text('{"query": {"match": {"text": "{{query}}"}}}')
    with searching() as url:
        line = ["bench", "load", "--search-url", url, "--template", str(template), "--documents", "20"]
        result = CliRunner().invoke(app, [*line, "--rate", "0.1x", "--find-p99-ms", "100", "--seconds", "2"])
    assert result.exit_code == 2, result.output
    (rate,) = re.findall(r"2 s at ([\d.]+) requests/s", result.output)
    assert 0 < float(rate) <= 0.1 * SEARCHES_PER_S


def record(*outcomes: str) -> Record:
    made = Record()
    for outcome in outcomes:
        made.add(0.0, 0.0, 0.1, Answer(outcome), 0, 1.0)
    return made


def test_refusals_are_no_answers_and_a_single_answer_is_enough() -> None:
    assert unanswered(record("refused", "error")) == "none of 2 requests was answered"
    assert unanswered(record("refused", "error", "passthrough")) is None
    assert unanswered(record()) is None
