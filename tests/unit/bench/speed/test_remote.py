"""An endpoint beside our engines: asked anew each time, and believed only where it has scored every pair."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from jrerank.bench.quality.scorers import Dialect
from jrerank.bench.speed.remote import remote_contender
from jrerank.bench.speed.rounds import timed
from jrerank.bench.speed.workload import Workload
from jrerank.errors import Unavailable

WORK = Workload("富士山", ("山", "川"), ())
SCORED = {"outcome": "complete", "hits": [{"id": "0", "score": 0.9}, {"id": "1", "score": 0.1}]}
PASSED = {"outcome": "passthrough", "hits": [{"id": "0", "score": None}, {"id": "1", "score": None}]}


@contextmanager
def answering(content: object, headers: Mapping[str, str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its URL, and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


def run(
    content: object, dialect: Dialect = "hits", headers: Mapping[str, str] | None = None, times: int = 1
) -> list[dict[str, Any]]:
    """What so many rounds asked, each time by a contender of a run of its own."""
    with answering(content, headers or {}) as (url, asked), httpx.Client() as client:
        for _ in range(times):
            contender = remote_contender(client, url, dialect, None)
            timed(contender, WORK)
            timed(contender, WORK)
    return asked


def test_no_two_rounds_and_no_two_runs_ask_the_same() -> None:
    asked = run(SCORED, times=3)
    assert len({one["query"] for one in asked}) == len(asked) == 6
    assert all(one["query"].startswith("富士山 ") for one in asked)


def test_the_deadline_is_longer_than_any_workload_where_the_dialect_has_one() -> None:
    assert {one["timeout_ms"] for one in run(SCORED)} == {600_000}
    scores = [{"index": 0, "score": 0.9}, {"index": 1, "score": 0.1}]
    assert not any("timeout_ms" in one for one in run(scores, "tei"))


@pytest.mark.parametrize(
    ("content", "dialect", "reason"),
    [
        (PASSED, "hits", "document 0 has no score"),
        ({"hits": SCORED["hits"][:1]}, "hits", "document 1 has no score"),
        ([], "cohere", "did not score all pairs, as cohere tells them: AttributeError"),
        ({"error": "busy"}, "tei", "did not score all pairs, as tei tells them: TypeError"),
    ],
)
def test_pairs_without_a_score_are_no_speed(content: object, dialect: Dialect, reason: str) -> None:
    with pytest.raises(Unavailable, match=reason):
        run(content, dialect)


def test_a_sidecar_that_was_cut_short_says_so_where_the_shape_has_a_number_for_each_document() -> None:
    scores = [{"index": 0, "score": 0.9}, {"index": 1, "score": 0.0}]
    headers = {"x-jrerank-outcome": "partial", "x-jrerank-reason": "deadline"}
    with pytest.raises(
        Unavailable, match=r"did not score all pairs: partial \(deadline\); ask a sidecar as hits="
    ):
        run(scores, "tei", headers)
