"""A run of `bench load`: capacity, the search of a rate, the requests themselves, and capacity again."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from jrerank.admin.bench.load_options import LoadOptions, check_rate_to_try, rate_of, statement_of
from jrerank.admin.bench.load_parameters import load_parameters, rate_is_found
from jrerank.admin.bench.progress import Progress
from jrerank.errors import Unavailable

if TYPE_CHECKING:
    from jrerank.bench.load.driver import Capacity
    from jrerank.bench.load.highest import Trial
    from jrerank.bench.load.record import Record
    from jrerank.bench.load.report import Run
    from jrerank.bench.load.requests import LoadRequest
    from jrerank.bench.load.targets import Target

_CALIBRATION_CLIENTS = 4
_CALIBRATION_TIMEOUT_MS = 60_000
_POSTGRES_CONNECTIONS = 32
_SEARCH_HITS = 10


async def run_load(options: LoadOptions, url: str, pid: int | None, progress: Progress) -> Run:
    """Send requests to the target at that URL and record what becomes of them; a process's memory is watched meanwhile.

    Raises:
        Unavailable: the target answers nothing, before the run.
        InvalidInput: there is no such process, or too few requests would come to find a rate.
    """
    from jrerank.bench.load.driver import open_loop
    from jrerank.bench.load.memory import watched_memory
    from jrerank.bench.load.record import useful_for_s
    from jrerank.bench.load.report import Run

    keys = [key for key in os.environ.get("JRERANK_BENCH_API_KEYS", "").split(",") if key]
    source = _requests(options, max(1, len(keys)))
    deadline_s = useful_for_s(options.timeout_ms)
    before = await _capacity(options, url, keys, source)
    start = _rate(options, before)
    async with _target(options, url, keys) as target, watched_memory(pid) as memory:
        trials, record = await _search(options, target, source, start, progress)
        rate = _rate_to_report(trials, options.find_p99_ms or 0, start)
        times = _times(options, rate)
        if record is None:
            bar = partial(progress, "sending")
            record = await open_loop(
                target, times, source, deadline_s, lambda at: bar(int(at), int(options.seconds))
            )
    stopped = trials[-1].stopped_answering if trials else ""
    capacity = before.pairs if before else None
    if before and not stopped:
        capacity, stopped = await _capacity_again(options, url, keys, source, before.pairs)
    seconds = max(1.0, *times) if options.log else options.seconds
    parameters = load_parameters(options, max(1, len(keys)))
    return Run(
        record, len(times) / seconds, seconds, options.timeout_ms, options.name, memory, capacity,
        max(1, len(keys)), trials, options.find_p99_ms, parameters, rate_is_found(options), stopped,
    )  # fmt: skip


def _rate_to_report(trials: list[Trial], p99_ms: float, start: float) -> float:
    """In requests a second: the highest that holds, or the one at which nothing was answered any more."""
    from jrerank.bench.load.highest import best

    if trials and trials[-1].stopped_answering:
        return trials[-1].rate
    found = best(trials, p99_ms)
    return found.rate if found else start


async def _search(
    options: LoadOptions, target: Target, source: Iterator[LoadRequest], start: float, progress: Progress
) -> tuple[list[Trial], Record | None]:
    """The trials of a rate that holds the p99, where one is searched; and the last one's record, if nothing was answered in it.

    Raises:
        Unavailable: the target answers nothing, before any trial.
        InvalidInput: too few requests would come to have a p99.
    """
    from jrerank.bench.load.driver import open_loop, why_unanswered
    from jrerank.bench.load.highest import FEWEST_REQUESTS, Trial, highest_rate
    from jrerank.bench.load.record import unanswered, useful_for_s

    if options.find_p99_ms is None:
        return [], None
    deadline_s = useful_for_s(options.timeout_ms)
    records: list[Record] = []

    async def trial(rate: float) -> Trial:
        bar = partial(progress, f"trying {rate:.1f} requests/s")
        record = await open_loop(
            target, _times(options, rate), source, deadline_s, lambda at: bar(int(at), int(options.seconds))
        )
        records.append(record)
        why = await why_unanswered(target, source, deadline_s) if unanswered(record) else None
        stopped = f"at {rate:.1f} requests/s {unanswered(record)}; now {why}" if why else ""
        return Trial(rate, record.percentile_ms(99), record.unserved, stopped)

    await _check_answers(options, target, source, deadline_s)
    check_rate_to_try(start, options.seconds)
    trials = await highest_rate(trial, start, options.find_p99_ms, FEWEST_REQUESTS / options.seconds)
    return trials, records[-1] if trials[-1].stopped_answering else None


async def _check_answers(
    options: LoadOptions, target: Target, source: Iterator[LoadRequest], deadline_s: float
) -> None:
    """Before anything is measured.

    Raises:
        Unavailable: not even a request on its own is answered, so that there is nothing to measure.
    """
    from jrerank.bench.load.driver import why_unanswered

    if reason := await why_unanswered(target, source, deadline_s):
        raise Unavailable(f"{options.name}: {reason}")


async def _capacity(
    options: LoadOptions, url: str, keys: list[str], source: Iterator[LoadRequest]
) -> Capacity | None:
    """Where the rate is a multiple of it; asked before the run and after it, as machines change their mind.

    Raises:
        Unavailable: not even a request on its own is answered.
    """
    from jrerank.bench.load.driver import closed_loop
    from jrerank.bench.load.record import useful_for_s

    if options.log or not options.rate.endswith("x"):
        return None
    deadline_s = useful_for_s(_CALIBRATION_TIMEOUT_MS)
    # with time enough: what is refused tells nothing of the capacity
    async with _target(replace(options, timeout_ms=_CALIBRATION_TIMEOUT_MS), url, keys) as target:
        await _check_answers(options, target, source, deadline_s)
        await closed_loop(target, 1, 1.0, source, deadline_s)
        seconds = max(3.0, options.seconds / 6)
        return await closed_loop(target, _CALIBRATION_CLIENTS, seconds, source, deadline_s)


async def _capacity_again(
    options: LoadOptions, url: str, keys: list[str], source: Iterator[LoadRequest], before: float
) -> tuple[float, str]:
    """In pairs a second: the mean of both, or that before the run and why the target stopped answering.

    The report must not be lost with it.
    """
    try:
        after = await _capacity(options, url, keys, source)
    except Unavailable as error:
        return (
            before,
            f"after the run, {str(error).removeprefix(f'{options.name}: ')}; the capacity is from before it",
        )
    return (before + (after.pairs if after else 0.0)) / 2, ""


def _rate(options: LoadOptions, capacity: Capacity | None) -> float:
    """In requests a second."""
    from jrerank.bench.load.sizes import Distribution

    number = rate_of(options.rate)
    if not options.rate.endswith("x") or options.log:
        return number
    if not capacity or not capacity.pairs:
        raise Unavailable(f"{options.name} scored nothing while its capacity was measured; does it answer?")
    if options.search_url or options.dsn:
        # how many pairs a search has is the target's affair, not that of --documents
        return number * capacity.requests
    # from pairs: the few requests of a calibration may have been larger or smaller than the others
    return number * capacity.pairs / Distribution.parse(options.documents).expected


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
