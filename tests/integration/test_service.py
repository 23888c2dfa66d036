"""What a search engineer fears, tried on a real sidecar: slow, down, silent."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sidecars import RunningSidecar, running_sidecar

pytestmark = pytest.mark.alone

JSON = {"content-type": "application/json"}
DOCUMENTS = [f"{i}番の文書。" + "日本の山と川と海について述べた長い文章である。" * 10 for i in range(1000)]


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSidecar]:
    with running_sidecar(tmp_path_factory.mktemp("sidecar"), cache_bytes="0") as running:
        yield running


def ask(sidecar: RunningSidecar, query: str, documents: list[str], **body: Any) -> httpx.Response:
    hits = [{"id": str(i), "text": text} for i, text in enumerate(documents)]
    return httpx.post(f"{sidecar.url}/v1/hits", json={"query": query, "hits": hits, **body}, timeout=60)


def too_short_ms(sidecar: RunningSidecar) -> int:
    """Time in which this machine, as it is just now, reads all documents and scores some of them, but by no means all."""
    started = time.monotonic()
    ask(sidecar, "海", DOCUMENTS, timeout_ms=1)
    ask(sidecar, "海", DOCUMENTS[:20])
    return max(1_000, round(8_000 * (time.monotonic() - started)))


def ask_until_let_in(sidecar: RunningSidecar, query: str, timeout_ms: int) -> httpx.Response:
    """A machine that has become slower meanwhile may refuse some, for as long as the others are at it."""
    give_up = time.monotonic() + 60
    while (answer := ask(sidecar, query, DOCUMENTS, timeout_ms=timeout_ms)).status_code == 429:
        assert time.monotonic() < give_up
        time.sleep(0.1)
    return answer


def test_at_the_deadline_the_answer_has_a_scored_head_and_every_id(sidecar: RunningSidecar) -> None:
    timeout_ms = too_short_ms(sidecar)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask_until_let_in, sidecar, f"山{i}", timeout_ms) for i in range(4)]
        answers = [one.result() for one in asked]
    for answer in answers:
        content = answer.json()
        assert answer.headers["x-jrerank-outcome"] == content["outcome"] == "partial"
        assert content["reason"] == "deadline"
        assert sorted(int(hit["id"]) for hit in content["hits"]) == list(range(1000))
        scored = [hit for hit in content["hits"] if hit["scored"]]
        rest = [hit["first_rank"] for hit in content["hits"] if not hit["scored"]]
        assert scored
        assert rest == sorted(rest)
        assert max(hit["first_rank"] for hit in scored) < 1000


def test_the_proxys_header_is_a_deadline_too(sidecar: RunningSidecar) -> None:
    headers = {"x-envoy-expected-rq-timeout-ms": "300"}
    body = {"query": "川", "documents": DOCUMENTS}
    answer = httpx.post(f"{sidecar.url}/v1/rerank", json=body, headers=headers, timeout=60)
    results = answer.json()["results"]
    assert answer.headers["x-jrerank-outcome"] == "partial"
    assert len(results) == 1000
    assert results[-1]["relevance_score"] < 0
    scores = [result["relevance_score"] for result in results]
    assert scores == sorted(scores, reverse=True)


def test_a_pair_scores_the_same_alone_and_under_load(sidecar: RunningSidecar) -> None:
    alone = ask(sidecar, "富士山", ["富士山は高い"]).json()["hits"][0]["score"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        load = [pool.submit(ask, sidecar, "海", DOCUMENTS[:200]) for _ in range(3)]
        loaded = ask(sidecar, "富士山", ["富士山は高い"]).json()["hits"][0]["score"]
        concurrent.futures.wait(load)
    assert loaded == alone


def test_a_kept_connection_never_waits_for_an_acknowledgement(sidecar: RunningSidecar) -> None:
    body = json.dumps({"query": "山", "hits": [{"id": str(i)} for i in range(100)]})
    connection = http.client.HTTPConnection(sidecar.url.removeprefix("http://"))
    gaps_s = []
    for _ in range(20):
        connection.request("POST", "/v1/hits", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        head = time.monotonic()
        answer.read()
        gaps_s.append(time.monotonic() - head)
    connection.close()
    assert sorted(gaps_s)[5] < 0.03, "a delayed acknowledgement takes 40 ms"


def test_who_hangs_up_leaves_nothing_behind(sidecar: RunningSidecar) -> None:
    with pytest.raises(httpx.ReadTimeout):
        hits = [{"id": str(i), "text": text} for i, text in enumerate(DOCUMENTS)]
        httpx.post(f"{sidecar.url}/v1/hits", json={"query": "空", "hits": hits}, timeout=0.5)
    deadline = time.monotonic() + 10
    while "jrerank_queued_pairs 0.0" not in httpx.get(f"{sidecar.url}/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert 'outcome="abandoned"' in httpx.get(f"{sidecar.url}/metrics").text


def test_beyond_the_queue_limit_it_refuses_at_once_and_says_when(tmp_path: Path) -> None:
    with (
        running_sidecar(tmp_path, max_queued_tokens="2000") as small,
        concurrent.futures.ThreadPoolExecutor(6) as pool,
    ):
        answers = [
            one.result() for one in [pool.submit(ask, small, f"山{i}", DOCUMENTS[:100]) for i in range(6)]
        ]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert all(answer.json()["error"]["type"] == "overloaded" for answer in refused)


def test_huge_requests_at_once_are_refused_rather_than_held(tmp_path: Path) -> None:
    """Each alone would be served; all together would not fit into memory."""
    body = {"query": "山", "documents": ["長い文章。" * 100_000] * 10, "timeout_ms": 2000}
    with (
        running_sidecar(tmp_path, max_open_body_bytes=str(40 * 1024 * 1024)) as small,
        concurrent.futures.ThreadPoolExecutor(8) as pool,
    ):

        def ask_once(_: int) -> int:
            return httpx.post(f"{small.url}/v1/rerank", json=body, timeout=60).status_code

        assert ask_once(0) == 200
        statuses = list(pool.map(ask_once, range(16)))
        assert set(statuses) <= {200, 429}
        assert statuses.count(429) >= 4
        assert resident_mb(small.process.pid) < 700
        assert ask_once(0) == 200


def test_memory_comes_back_after_large_requests(tmp_path: Path) -> None:
    """The C library would keep them for the next ones, and with eight callers half of the sidecar again."""
    hostile = b'{"query":"a","hits":[{"id":"1","text":"' + b"x" * 30_000_000 + "😀".encode() + b'"}]}'
    with running_sidecar(tmp_path) as sidecar, concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert ask(sidecar, "山", DOCUMENTS[:5]).status_code == 200
        before = resident_mb(sidecar.process.pid)

        def attack(body: bytes) -> int:
            return httpx.post(f"{sidecar.url}/v1/hits", content=body, headers=JSON, timeout=60).status_code

        assert set(pool.map(attack, [hostile] * 6)) <= {400, 413, 422, 429}
        give_up = time.monotonic() + 10
        while resident_mb(sidecar.process.pid) > 1.1 * before and time.monotonic() < give_up:
            time.sleep(0.1)
        assert resident_mb(sidecar.process.pid) <= 1.1 * before


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_sigterm_lets_open_requests_finish_and_takes_no_new_ones(tmp_path: Path) -> None:
    with running_sidecar(tmp_path) as running, concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, running, "山", DOCUMENTS[:200])
        while "jrerank_queued_pairs 0.0" in httpx.get(f"{running.url}/metrics").text:
            time.sleep(0.01)
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        if not asked.done():
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{running.url}/health")
        assert asked.result().json()["outcome"] == "complete"
        assert running.process.wait(30) == 0


def test_what_would_take_longer_than_the_drain_is_answered_with_what_there_is(tmp_path: Path) -> None:
    with (
        running_sidecar(tmp_path, drain_s="2", workers="1") as running,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        asked = pool.submit(ask, running, "山", DOCUMENTS)
        while "jrerank_queued_pairs 0.0" in httpx.get(f"{running.url}/metrics").text:
            time.sleep(0.01)
        running.process.send_signal(signal.SIGTERM)
        assert asked.result().json()["outcome"] == "partial"
        assert len(asked.result().json()["hits"]) == len(DOCUMENTS)
        assert running.process.wait(30) == 0
    assert "Traceback" not in running.log.read_text()


def started(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jrerank.admin", "serve", "--model", "bundled", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


def test_beyond_loopback_it_refuses_to_start_without_a_key() -> None:
    done = started("--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 3
    assert "JRERANK_API_KEYS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = started("--port", str(taken.getsockname()[1]))
    assert done.returncode == 3
    assert "choose another --port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_names_its_variable() -> None:
    done = started(JRERANK_CACHE_BYTES="-1")
    assert done.returncode == 3
    assert "JRERANK_CACHE_BYTES" in done.stderr
