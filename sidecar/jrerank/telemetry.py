"""Metrics, logs and traces: their names in one place.

A log line never holds a query, a passage or a key.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

try:
    from opentelemetry import trace
    from opentelemetry.propagate import extract
except ImportError:  # the `otel` extra is not installed
    _TRACING = False
else:
    _TRACING = True

_OTLP_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0)
_STAGE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
# Fetching texts by id, cutting texts into windows, waiting for a worker, an engine's run of a batch
STAGES = ("store", "tokenizing", "queue", "run")
_DOCUMENTS = (1, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 10000)
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class Metrics:
    """The sidecar's Prometheus metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("jrerank_requests", "Requests by door and outcome.", "door", "outcome")
        self.refusals = self._counter(
            "jrerank_refusals", "Requests that got an error, by door and kind.", "door", "kind"
        )
        self.pairs = self._counter("jrerank_pairs", "Pairs by what became of them.", "result")
        self.truncated = self._counter(
            "jrerank_truncated_passages", "Passages that were not read to their ends."
        )
        self.tokens = self._counter("jrerank_scored_tokens", "Tokens the engine has read.")
        self.padding_tokens = self._gauge(
            "jrerank_padding_tokens",
            "Tokens the engine has computed beyond those it was given, to fill its runs.",
        )
        self.queued_pairs = self._gauge("jrerank_queued_pairs", "Pairs waiting for a worker.")
        self.tokens_per_second = self._gauge(
            "jrerank_tokens_per_second", "Measured throughput of the engine."
        )
        self.cache_bytes = self._gauge("jrerank_cache_bytes", "Size of the score cache.")
        self.pgwire_connections = self._gauge(
            "jrerank_pgwire_connections", "Clients of the PostgreSQL-wire door."
        )
        self.info = self._gauge("jrerank_model", "The model that serves.", "model", "precision")
        self.second_model = self._gauge(
            "jrerank_second_model_token_cost",
            "The second model, and how many times as long a token of it takes as one of the first.",
            "model",
            "precision",
        )
        self.second_rounds = self._counter(
            "jrerank_second_rounds",
            "Rankings by how much of their top the second model has read: complete, partial, skipped.",
            "outcome",
        )
        self._add_histograms()

    def _add_histograms(self) -> None:
        self.request_seconds = self._histogram(
            "jrerank_request_seconds", "Time of a request.", _SECONDS, "door"
        )
        self.stage_seconds = self._histogram(
            "jrerank_stage_seconds",
            "Where a request's time goes: store, tokenizing, queue, run.",
            _STAGE_SECONDS,
            "stage",
        )
        for stage in STAGES:
            self.stage_seconds.labels(stage)
        self.documents = self._histogram("jrerank_request_documents", "Hits in a request.", _DOCUMENTS)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(name, says, labels, registry=self.registry)

    def _gauge(self, name: str, says: str, *labels: str) -> Gauge:
        return Gauge(name, says, labels, registry=self.registry)

    def _histogram(self, name: str, says: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(name, says, labels, buckets=buckets, registry=self.registry)

    def exposition(self, accept: str = OPENMETRICS) -> bytes:
        """All metrics, in the format that an `Accept` header prefers."""
        encode, _ = choose_encoder(accept)
        return bytes(encode(self.registry))


def configure_logging(level: str, log_format: Literal["json", "console"]) -> None:
    """Send the logs of the sidecar and of its libraries to stderr in one format."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that writes an event name and its fields."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def start_tracing(version: str) -> Callable[[], None]:
    """Send spans where OTEL_EXPORTER_OTLP_ENDPOINT says, if it says so and the `otel` extra is installed.

    A tracer provider that is there already, as under `opentelemetry-instrument`, is left alone.

    Returns:
        What sends the last spans and stops.
    """
    wanted = any(os.environ.get(name) for name in _OTLP_ENDPOINTS)
    if not wanted or (_TRACING and not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)):
        return lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        logger(__name__).warning("no_traces", missing=error.name, install="pip install 'jrerank[otel]'")
        return lambda: None
    named = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "jrerank")})
    provider = TracerProvider(
        resource=named.merge(Resource({"service.version": version})), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider.shutdown


@contextmanager
def span(name: str, headers: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A server span that continues the caller's trace; what is put into the dict becomes its attributes.

    Without the `otel` extra it costs nothing.
    """
    attributes: dict[str, Any] = {}
    if not _TRACING:
        yield attributes
        return
    tracer = trace.get_tracer("jrerank")
    with tracer.start_as_current_span(name, context=extract(headers), kind=trace.SpanKind.SERVER) as current:
        try:
            yield attributes
        finally:
            current.set_attributes(attributes)
