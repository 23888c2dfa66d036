"""The sidecar's process: that it ends well, and that it says what it does. How it drains is in `test_service`."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import threading
import time
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from sidecars import running_sidecar

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_whichever_way_it_is_asked_to(ending: signal.Signals, tmp_path: Path) -> None:
    with running_sidecar(tmp_path) as running, running.client() as client:
        assert client.get("/ready").status_code == 200
        running.process.send_signal(ending)
        assert running.process.wait(30) == 0, "an idle connection does not hold it up"
    assert "Traceback" not in running.log.read_text()


def test_whoever_came_before_the_signal_is_answered(tmp_path: Path) -> None:
    """A process that was given no time: at once it sees hundreds of connections, their requests, and the signal."""
    with running_sidecar(tmp_path) as running, contextlib.ExitStack() as stack:
        running.process.send_signal(signal.SIGSTOP)
        port = int(running.url.rpartition(":")[2])
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 20)) for _ in range(300)]
        for client in clients:
            client.sendall(_POST)
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)  # longer than it lets pass between two looks whether it is to end
        running.process.send_signal(signal.SIGCONT)
        answers = [b"".join(iter(partial(client.recv, 65_536), b"")) for client in clients]
        assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 300
        assert running.process.wait(30) == 0


_BODY = json.dumps({"query": "山", "documents": ["富士山", "海" * 5_000]}).encode()
_POST = (
    b"POST /v1/rerank HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


class Collector(HTTPServer):
    """Takes spans over OTLP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        self.bodies: list[tuple[str, bytes]] = []


class _Taker(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@dataclass(frozen=True)
class Told:
    """What a sidecar has said of one request, until it ended."""

    events: list[dict[str, object]]
    log: str
    spans: list[tuple[str, bytes]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    headers = {"x-request-id": "abc", "traceparent": TRACE}
    with Collector() as collector, pytest.MonkeyPatch.context() as environment:
        threading.Thread(target=collector.serve_forever, args=(0.02,), daemon=True).start()
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
        with running_sidecar(tmp_path_factory.mktemp("told")) as running:
            body = {"query": "秘密の質問", "documents": ["秘密の文書"]}
            httpx.post(f"{running.url}/v1/rerank", json=body, headers=headers).raise_for_status()
        collector.shutdown()
        return Told(running.events(), running.log.read_text(), collector.bodies)


def test_a_log_line_carries_the_request_and_its_trace(told: Told) -> None:
    (line,) = [event for event in told.events if event["event"] == "reranked"]
    assert (line["request_id"], line["traceparent"], line["outcome"]) == ("abc", TRACE, "complete")


def test_a_request_that_waited_has_no_part_in_the_trace_of_the_one_in_front(tmp_path: Path) -> None:
    """It is started by the task that has answered the other one."""
    traced = _POST.replace(b"\r\n", b"\r\ntraceparent: %b\r\n" % TRACE.encode(), 1)
    last = _POST.replace(b"\r\n", b"\r\nconnection: close\r\n", 1)
    with running_sidecar(tmp_path) as running:
        port = int(running.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 20) as client:
            client.sendall(traced + last)
            answers = b"".join(iter(partial(client.recv, 65_536), b""))
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    lines = [event for event in running.events() if event["event"] == "reranked"]
    assert [line.get("traceparent") for line in lines] == [TRACE, None]


def test_spans_go_where_the_environment_says_though_the_sidecar_ends_soon(told: Told) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    ((path, spans),) = told.spans
    assert path == "/v1/traces"
    for said in ("jrerank", "POST /v1/rerank", "jrerank.outcome", "complete", "http.response.status_code"):
        assert said.encode() in spans
    assert bytes.fromhex(TRACE.split("-")[1]) in spans


def test_neither_holds_a_passage(told: Told) -> None:
    assert "秘密" not in told.log
    assert all("秘密".encode() not in body for _, body in told.spans)
