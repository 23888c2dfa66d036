"""The sidecar's process: what it binds, and that it says what it does. How it drains is in the integration tests."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from jrerank.admin.serving import serve
from jrerank.errors import ConfigurationError
from sidecars import running_sidecar
from tiny import tiny_settings


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    handlers = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    yield
    for one, handler in handlers.items():
        signal.signal(one, handler)


@pytest.mark.usefixtures("logging_as_before")
def test_a_taken_port_is_told_before_the_model_is_loaded(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = tiny_settings(tmp_path, port=taken.getsockname()[1], model="random:xsmall-v2")
        with pytest.raises(ConfigurationError, match="choose another --port"):
            serve(settings)
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("logging_as_before")
def test_beyond_loopback_there_must_be_a_key(tiny_folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="JRERANK_API_KEYS"):
        serve(tiny_settings(tiny_folder, host="0.0.0.0", port=0))


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_whichever_way_it_is_asked_to(ending: signal.Signals, tmp_path: Path) -> None:
    with running_sidecar(tmp_path) as running, running.client() as client:
        assert client.get("/ready").status_code == 200
        running.process.send_signal(ending)
        assert running.process.wait(30) == 0, "an idle connection does not hold it up"
    assert "Traceback" not in running.log.read_text()


def test_log_lines_carry_the_request_and_its_trace(tmp_path: Path) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = {"x-request-id": "abc", "traceparent": trace}
    with running_sidecar(tmp_path) as running:
        body = {"query": "秘密の質問", "documents": ["秘密の文書"]}
        assert httpx.post(f"{running.url}/v1/rerank", json=body, headers=headers).status_code == 200
        (line,) = [event for event in running.events() if event["event"] == "reranked"]
    assert (line["request_id"], line["traceparent"], line["outcome"]) == ("abc", trace, "complete")
    assert "秘密" not in running.log.read_text()


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


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_spans_go_where_the_environment_says(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    with running_sidecar(tmp_path) as running:
        httpx.post(f"{running.url}/v1/rerank", json={"query": "秘密", "documents": ["秘密"]})
    ((path, body),) = collector.bodies
    assert path == "/v1/traces"
    for told in (
        b"jrerank",
        b"POST /v1/rerank",
        b"jrerank.outcome",
        b"complete",
        b"http.response.status_code",
    ):
        assert told in body
    assert "秘密".encode() not in body
