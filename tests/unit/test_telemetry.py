"""Metrics, logs and traces."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from jrerank import telemetry
from jrerank.telemetry import Metrics, configure_logging, logger, span, start_tracing

parse: Callable[[str], Iterator[Any]] = text_string_to_metric_families
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def families(metrics: Metrics) -> dict[str, Any]:
    text = metrics.exposition().decode()
    assert text.endswith("# EOF\n")
    return {family.name: family for family in parse(text)}


def test_every_metric_has_the_projects_prefix_and_a_sentence_of_help() -> None:
    found = families(Metrics())
    assert len(found) >= 9
    for name, family in found.items():
        assert name.startswith("jrerank_")
        assert family.documentation.endswith(".")


def test_what_is_counted_is_exposed() -> None:
    metrics = Metrics()
    metrics.requests.labels(door="http", outcome="partial").inc()
    metrics.request_seconds.labels(door="http").observe(0.07)
    metrics.tokens.inc(186)
    found = families(metrics)
    (request,) = [one for one in found["jrerank_requests"].samples if one.name.endswith("_total")]
    assert (request.labels, request.value) == ({"door": "http", "outcome": "partial"}, 1.0)
    buckets = {one.labels.get("le"): one.value for one in found["jrerank_request_seconds"].samples}
    assert (buckets["0.05"], buckets["0.1"]) == (0.0, 1.0)
    assert found["jrerank_scored_tokens"].samples[0].value == 186.0


def test_two_sidecars_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.tokens.inc(5)
    assert families(other)["jrerank_scored_tokens"].samples[0].value == 0.0


def test_a_log_line_is_json_with_the_event_its_fields_and_the_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("info", "json")
    with structlog.contextvars.bound_contextvars(request_id="r1", traceparent=TRACEPARENT):
        logger("jrerank.test").info("reranked", candidates=100, outcome="partial")
    said = capsys.readouterr()
    line = json.loads(said.err)
    assert said.out == ""
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "reranked",
        "level": "info",
        "logger": "jrerank.test",
        "candidates": 100,
        "outcome": "partial",
        "request_id": "r1",
        "traceparent": TRACEPARENT,
    }


def test_the_lines_of_libraries_have_the_same_shape(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    logging.getLogger("uvicorn.error").info("started on %s", "127.0.0.1")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["logger"], line["level"]) == ("started on 127.0.0.1", "uvicorn.error", "info")


@pytest.mark.parametrize(("level", "lines"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 0)])
def test_the_level_decides_what_is_written(
    level: str, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level, "json")
    log = logger("jrerank.test")
    log.debug("one")
    log.info("two")
    log.warning("three")
    assert len(capsys.readouterr().err.splitlines()) == lines


def test_an_exception_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    try:
        raise ValueError("what went wrong")
    except ValueError:
        logger("jrerank.test").exception("run_failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError: what went wrong" in json.loads(line)["exception"]


def test_on_a_console_a_line_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "console")
    logger("jrerank.test").info("listening", port=8080)
    line = capsys.readouterr().err
    assert "listening" in line
    assert not line.startswith("{")


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Spans that were ended, as the SDK of the `otel` extra gives them to an exporter."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace", exc_type=ImportError)
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip(
        "opentelemetry.sdk.trace.export.in_memory_span_exporter"
    ).InMemorySpanExporter()
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(export.SimpleSpanProcessor(memory))
    monkeypatch.setattr("jrerank.telemetry.trace.get_tracer", provider.get_tracer)
    return memory


def test_a_span_continues_the_callers_trace(exporter: Any) -> None:
    with span("rerank", {"traceparent": TRACEPARENT}) as attributes:
        attributes["jrerank.outcome"] = "partial"
    (ended,) = exporter.get_finished_spans()
    assert ended.name == "rerank"
    assert f"{ended.context.trace_id:032x}" == TRACE
    assert f"{ended.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert ended.kind.name == "SERVER"
    assert dict(ended.attributes) == {"jrerank.outcome": "partial"}


@pytest.mark.parametrize("headers", [{}, {"traceparent": "nonsense"}])
def test_without_a_trace_a_new_one_begins(headers: dict[str, str], exporter: Any) -> None:
    with span("rerank", headers):
        pass
    (ended,) = exporter.get_finished_spans()
    assert ended.parent is None


def test_a_span_that_fails_keeps_its_attributes(exporter: Any) -> None:
    with pytest.raises(ValueError, match="no"), span("rerank", {}) as attributes:
        attributes["jrerank.candidates"] = 3
        raise ValueError("no")
    (ended,) = exporter.get_finished_spans()
    assert ended.attributes["jrerank.candidates"] == 3
    assert not ended.status.is_ok


def test_without_the_extra_a_span_is_a_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "_TRACING", False)
    with span("rerank", {"traceparent": TRACEPARENT}) as attributes:
        attributes["jrerank.outcome"] = "complete"
    assert attributes == {"jrerank.outcome": "complete"}


ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def providers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Those that would have been set for the whole process."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    made: list[Any] = []
    monkeypatch.setattr("jrerank.telemetry.trace.set_tracer_provider", made.append)
    monkeypatch.delenv(ENDPOINT, raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    return made


def test_spans_are_exported_only_where_the_environment_says_so(
    providers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    start_tracing("1.2.3")()
    assert providers == []
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    stop = start_tracing("1.2.3")
    (provider,) = providers
    named = provider.resource.attributes
    assert (named["service.name"], named["service.version"]) == ("jrerank", "1.2.3")
    stop()


def test_a_provider_that_is_there_already_is_left_alone(
    providers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setattr("jrerank.telemetry.trace.get_tracer_provider", object)
    start_tracing("1.2.3")()
    assert providers == []


def test_who_wants_spans_without_the_extra_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    configure_logging("info", "json")
    start_tracing("1.2.3")()
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["install"]) == ("no_traces", "pip install 'jrerank[otel]'")
