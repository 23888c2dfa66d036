"""`bench load`: does it hold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from jrerank.admin.bench.load_options import Arrivals, LoadOptions, check
from jrerank.admin.bench.load_run import run_load
from jrerank.admin.bench.output import CompareOption, HtmlOption, JsonOption, Outputs, ThresholdOption
from jrerank.admin.bench.progress import Progress
from jrerank.admin.options import plain_errors
from jrerank.errors import ConfigurationError, Unavailable


def load(
    url: Annotated[
        str | None, typer.Option(help="of a sidecar; without any target, one of our own is started")
    ] = None,
    search_url: Annotated[
        str | None,
        typer.Option(help="of a search that reranks: http://host:9200/docs/_search?search_pipeline=jrerank"),
    ] = None,
    template: Annotated[
        Path | None, typer.Option(help='with --search-url: its body, with "{{query}}" in it')
    ] = None,
    dsn: Annotated[str | None, typer.Option(help="of PostgreSQL")] = None,
    sql: Annotated[
        Path | None, typer.Option(help="with --dsn: a statement with %(query)s or %(passages)s")
    ] = None,
    rate: Annotated[
        str, typer.Option(help="requests a second, or a multiple of what is measured as capacity: 0.8x, 2x")
    ] = "0.8x",
    seconds: Annotated[float, typer.Option(min=1, help="how long")] = 30,
    arrivals: Annotated[
        Arrivals, typer.Option(help="evenly, or as independent users come")
    ] = Arrivals.POISSON,
    documents: Annotated[str, typer.Option(help="of a request: 20, 5-100 or lognormal:MEAN:SIGMA")] = "20",
    chars: Annotated[str, typer.Option(help="of a passage, in the same forms")] = "lognormal:300:0.4",
    log: Annotated[
        Path | None, typer.Option(help="JSONL with at, documents, chars: send what was sent then")
    ] = None,
    timeout_ms: Annotated[
        int, typer.Option(min=1, help="deadline of each request; what comes later is of no use")
    ] = 1000,
    find_p99_ms: Annotated[
        float | None, typer.Option(min=1, help="find the highest rate with this p99")
    ] = None,
    pid: Annotated[int | None, typer.Option(help="process whose memory is watched, on this machine")] = None,
    model: Annotated[
        str, typer.Option(help="of the sidecar that is started where no target is given")
    ] = "bundled",
    json: JsonOption = None,
    html: HtmlOption = None,
    compare: CompareOption = None,
    threshold: ThresholdOption = 5.0,
) -> None:
    """Send requests at their own times, whether answers come or not, and see what becomes of them.

    Keys of several callers, by whom the sidecar is fair, stand in JRERANK_BENCH_API_KEYS, separated by commas.

    Example: jrerank-admin bench load --model bundled --rate 2x --seconds 20 --html load.html
    """
    options = LoadOptions(
        url, search_url, template, dsn, sql, rate, seconds, arrivals, documents, chars, log, timeout_ms, find_p99_ms, pid, model
    )  # fmt: skip
    with plain_errors():
        outputs = Outputs.open("load", json, html, compare)
        try:
            from jrerank.bench.load.record import unanswered
            from jrerank.bench.load.report import load_report

            check(options)
            with _running(options) as address, Progress() as progress:
                run = asyncio.run(run_load(options, address.url, address.pid, progress))
        except ImportError as error:
            raise ConfigurationError(f"{error.name} is needed: pip install 'jrerank[bench]'") from None
        report = load_report(run)
        if reason := unanswered(run.record) or run.stopped_answering:
            replace(outputs, older=None).deliver(report)
            raise Unavailable(f"{options.name}: {reason}")
        outputs.deliver(report, threshold)


@dataclass(frozen=True, slots=True)
class _Address:
    url: str
    pid: int | None


@contextmanager
def _running(options: LoadOptions) -> Iterator[_Address]:
    """Where the target is; a sidecar is started where none is given."""
    if given := options.url or options.search_url or options.dsn:
        yield _Address(given.rstrip("/"), options.pid)
        return
    from jrerank.admin.demo.sidecar import started_sidecar

    with started_sidecar(options.model, "int8") as sidecar:
        yield _Address(sidecar.url, sidecar.pid)
