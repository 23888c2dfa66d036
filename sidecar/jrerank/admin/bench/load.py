"""`bench load`: does it hold."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.bench.load_options import Arrivals, LoadOptions, check, rate_of, statement_of
from jrerank.admin.bench.load_parameters import load_parameters, rate_is_found
from jrerank.admin.bench.output import CompareOption, HtmlOption, JsonOption, Outputs, ThresholdOption
from jrerank.admin.bench.progress import Progress
from jrerank.admin.options import plain_errors
from jrerank.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from jrerank.bench.load.highest import Trial
    from jrerank.bench.load.report import Run
    from jrerank.bench.load.requests import LoadRequest
    from jrerank.bench.load.targets import Target

_CALIBRATION_CLIENTS = 4
_CALIBRATION_TIMEOUT_MS = 60_000
_POSTGRES_CONNECTIONS = 32
_SEARCH_HITS = 10


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
                run = asyncio.run(_run(options, address, progress))
        except ImportError as error:
            raise ConfigurationError(f"{error.name} is needed: pip install 'jrerank[bench]'") from None
        report = load_report(run)
        if reason := unanswered(run.record):
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


async def _run(options: LoadOptions, address: _Address, progress: Progress) -> Run:
    from jrerank.bench.load.driver import open_loop
    from jrerank.bench.load.highest import best
    from jrerank.bench.load.memory import memory_samples
    from jrerank.bench.load.record import useful_for_s
    from jrerank.bench.load.report import Run

    keys = [key for key in os.environ.get("JRERANK_BENCH_API_KEYS", "").split(",") if key]
    source = _requests(options, max(1, len(keys)))
    deadline_s = useful_for_s(options.timeout_ms)
    before = await _capacity(options, address.url, keys, source)
    async with _target(options, address.url, keys) as target, memory_samples(address.pid) as memory:
        trials = await _search(options, target, source, _rate(options, before), progress)
        found = best(trials, options.find_p99_ms or 0)
        times = _times(options, found.rate if found else _rate(options, before))
        record = await open_loop(
            target, times, source, deadline_s, lambda at: progress("sending", int(at), int(options.seconds))
        )
    after = await _capacity(options, address.url, keys, source)
    capacity = None if before is None or after is None else (before + after) / 2
    seconds = max(1.0, *times) if options.log else options.seconds
    parameters = load_parameters(options, max(1, len(keys)))
    return Run(
        record, len(times) / seconds, seconds, options.timeout_ms, options.name, memory, capacity,
        max(1, len(keys)), trials, options.find_p99_ms, parameters, rate_is_found(options),
    )  # fmt: skip


async def _search(
    options: LoadOptions, target: Target, source: Iterator[LoadRequest], start: float, progress: Progress
) -> list[Trial]:
    """The trials of a rate that holds the p99, where one is searched.

    Raises:
        Unavailable: the target answers nothing, before the search or from some rate on.
    """
    from jrerank.bench.load.driver import open_loop
    from jrerank.bench.load.highest import Trial, highest_rate
    from jrerank.bench.load.record import unanswered, useful_for_s

    if options.find_p99_ms is None:
        return []

    async def trial(rate: float) -> Trial:
        bar = partial(progress, f"trying {rate:.1f} requests/s")
        times, deadline_s = _times(options, rate), useful_for_s(options.timeout_ms)
        record = await open_loop(
            target, times, source, deadline_s, lambda at: bar(int(at), int(options.seconds))
        )
        if reason := unanswered(record):
            await _check_answers(options, target, source, f"at {rate:.1f} requests/s {reason}; now ")
        return Trial(rate, record.percentile_ms(99), record.unserved)

    await _check_answers(options, target, source)

    return await highest_rate(trial, start, options.find_p99_ms)


async def _check_answers(
    options: LoadOptions, target: Target, source: Iterator[LoadRequest], before: str = ""
) -> None:
    """Raises:
    Unavailable: a single request gets no answer, so that there is nothing to measure.
    """
    from jrerank.bench.load.driver import answered

    answer = await answered(target, next(source))
    if answer.outcome == "error":
        raise Unavailable(f"{options.name}: {before}a single request failed: {answer.detail}")


async def _capacity(
    options: LoadOptions, url: str, keys: list[str], source: Iterator[LoadRequest]
) -> float | None:
    """In pairs a second, where the rate is a multiple of it; asked before the run and after it, as machines change their mind."""
    from jrerank.bench.load.driver import closed_loop

    if options.log or not options.rate.endswith("x"):
        return None
    # with time enough: what is refused tells nothing of the capacity
    async with _target(replace(options, timeout_ms=_CALIBRATION_TIMEOUT_MS), url, keys) as target:
        await _check_answers(options, target, source)
        await closed_loop(target, 1, 1.0, source)
        return await closed_loop(target, _CALIBRATION_CLIENTS, max(3.0, options.seconds / 6), source)


def _rate(options: LoadOptions, capacity: float | None) -> float:
    """In requests a second."""
    from jrerank.bench.load.sizes import Distribution

    number = rate_of(options.rate)
    if not options.rate.endswith("x") or options.log:
        return number
    if not capacity:
        raise Unavailable(f"{options.name} scored nothing while its capacity was measured; does it answer?")
    return number * capacity / Distribution.parse(options.documents).expected


def _times(options: LoadOptions, rate: float) -> list[float]:
    from jrerank.bench.load.arrivals import arrival_times, replayed
    from jrerank.bench.load.sizes import read_log

    if options.log:
        return replayed([one.at for one in read_log(options.log)])
    return arrival_times(rate, options.seconds, options.arrivals.value)


def _requests(options: LoadOptions, callers: int) -> Iterator[LoadRequest]:
    from jrerank.bench.load.requests import RequestMaker
    from jrerank.bench.load.sizes import Distribution, drawn_sizes, read_log

    maker = RequestMaker(callers)
    if options.log:
        logged = sorted(read_log(options.log), key=lambda one: one.at)
        return (maker.make(one.size) for one in logged)
    sizes = drawn_sizes(Distribution.parse(options.documents), Distribution.parse(options.chars))
    return (maker.make(size) for size in sizes)


@asynccontextmanager
async def _target(options: LoadOptions, url: str, keys: list[str]) -> AsyncIterator[Target]:
    from jrerank.bench.load.targets import (
        PostgresTarget,
        SearchTarget,
        SidecarTarget,
        http_session,
        postgres_pool,
    )
    from jrerank.bench.quality.live.template import BodyTemplate

    if options.dsn:
        async with postgres_pool(options.dsn, _POSTGRES_CONNECTIONS) as pool:
            yield PostgresTarget(pool, statement_of(options.sql))
        return
    async with http_session() as session:
        if options.search_url and options.template:
            yield SearchTarget(session, options.search_url, BodyTemplate.read(options.template), _SEARCH_HITS)
        else:
            yield SidecarTarget(session, url, options.timeout_ms, keys)
