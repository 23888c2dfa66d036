"""The sidecar's process: what it binds, and that it says what it does. How it drains is in the integration tests."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from jrerank.errors import ConfigurationError
from jrerank.server import _most_connections, serve
from sidecars import running_sidecar
from tiny import tiny_settings

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    handlers = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    yield
    for one, handler in handlers.items():
        signal.signal(one, handler)


def test_a_taken_port_is_told_before_the_model_is_loaded(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = tiny_settings(tmp_path, port=taken.getsockname()[1], model="random:xsmall-v2")
        with pytest.raises(ConfigurationError, match="choose another --port"):
            serve(settings)
    assert not (tmp_path / "cache").exists()


def test_beyond_loopback_there_must_be_a_key(tiny_folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="JRERANK_API_KEYS"):
        serve(tiny_settings(tiny_folder, host="0.0.0.0", port=0))


@pytest.mark.parametrize(
    ("open_files", "http", "both"),
    [(2**31, 10_000, (10_000, 5_000)), (1_024, 768, (495, 247)), (256, 128, (82, 41))],
    ids=["plenty", "Linux", "macOS"],
)
def test_connections_leave_files_for_the_rest_but_some_are_always_taken(
    open_files: int, http: int, both: tuple[int, int], tiny_folder: Path
) -> None:
    assert _most_connections(tiny_settings(tiny_folder), open_files)[0] == http
    assert _most_connections(tiny_settings(tiny_folder, pgwire_port=0), open_files) == both


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_whichever_way_it_is_asked_to(ending: signal.Signals, tmp_path: Path) -> None:
    with running_sidecar(tmp_path) as running, running.client() as client:
        assert client.get("/ready").status_code == 200
        running.process.send_signal(ending)
        assert running.process.wait(30) == 0, "an idle connection does not hold it up"
    assert "Traceback" not in running.log.read_text()


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
