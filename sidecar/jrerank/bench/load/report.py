"""A run under load as a report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from jrerank import __version__
from jrerank.bench.load.highest import FEWEST_REQUESTS, Trial, best
from jrerank.bench.load.memory import Memory
from jrerank.bench.load.record import OUTCOMES, Record
from jrerank.bench.machine import describe_machine, now
from jrerank.bench.report.schema import Curve, Figure, Point, Report, Series, System
from jrerank.evaluation.significance import bootstrap

_PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)
_LAG_WORTH_SAYING_MS = 50
_PARTS, _FEWEST_PARTS = 10, 5
_BEYOND = 2  # requests of each part that have to be beyond a percentile
_EDGE_S = 1  # of the first and the last second of a run only a part is loaded


@dataclass(frozen=True, slots=True)
class Run:
    """What was sent, for how long, and what was recorded.

    `rate_is_found` where the rate depends on how fast the target is; `stopped_answering` is why the target answers
    nothing any more, empty where it does.
    """

    record: Record
    rate: float
    seconds: float
    deadline_ms: int
    name: str
    memory: Memory = field(default_factory=Memory)
    capacity: float | None = None
    callers: int = 1
    trials: Sequence[Trial] = ()
    p99_limit_ms: float | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    rate_is_found: bool = False
    stopped_answering: str = ""


def load_report(run: Run) -> Report:
    """Percentiles, outcomes, goodput and memory, with curves over the run."""
    figures = [*_latencies(run), *_rates(run), *_outcomes(run), *_memory(run), *_search(run)]
    return Report(
        kind="load",
        title=f"Load on {run.name}: {run.rate:.1f} requests/s for {run.seconds:.0f} s",
        created=now(),
        version=__version__,
        machine=describe_machine(),
        parameters=dict(run.parameters),
        systems=(System(name=run.name, figures=tuple(figures)), *_callers(run)),
        curves=tuple(_curves(run)),
        notes=tuple(_notes(run)),
    )


def _latencies(run: Run) -> list[Figure]:
    record = run.record
    if not record.count:
        return []
    found = [
        _latency(
            f"p{percent:g}",
            record.percentile_ms(percent),
            percentiles_by_part(record, percent),
            judged=not run.rate_is_found,
        )
        for percent in _PERCENTILES
    ]
    return [*found, _latency("slowest", record.max_ms)]


def _latency(name: str, value: float, samples: Sequence[float] = (), *, judged: bool = False) -> Figure:
    """Without samples, or at a rate that a faster build raises, nobody can tell whether it became worse: it only describes."""
    better: Literal["lower"] | None = "lower" if samples and judged else None
    return Figure(name=name, value=value, unit="ms", better=better, samples=tuple(samples))


def percentiles_by_part(record: Record, percent: float) -> list[float]:
    """Of parts of the run with as many requests each, in their order; none where parts would have too few to tell."""
    latencies = np.concatenate([record.seconds[second] for second in sorted(record.seconds)])
    enough = math.ceil(_BEYOND / (1 - percent / 100))
    parts = min(_PARTS, len(latencies) // enough)
    if parts < _FEWEST_PARTS:
        return []
    return [float(np.percentile(part, percent)) for part in np.array_split(latencies, parts)]


def _rates(run: Run) -> list[Figure]:
    figures = [
        _goodput(run),
        Figure(name="offered", value=run.record.count / run.seconds, unit="requests/s"),
    ]
    if run.capacity:
        share = 100 * figures[0].value / run.capacity
        figures.append(Figure(name="capacity", value=run.capacity, unit="pairs/s"))
        figures.append(Figure(name="goodput of capacity", value=share, unit="%"))
    return figures


def _goodput(run: Run) -> Figure:
    """By second, so that a report has an interval for it: the mean of whole seconds of load.

    What was answered after the run is no part of it: the queue that is served then came in the run's time, so that over its
    seconds alone it would be more than the target can do. Neither is the first second, in which the first answers are still to
    come. Dividing by the time of the last answer would let one slow request decide.
    """
    seconds = _whole_seconds(run)
    samples = _pairs_in(run, seconds)
    interval = bootstrap(samples) if samples else None
    return Figure(
        name="goodput",
        value=interval.mean if interval else _mean(_pairs_in(run, range(math.floor(run.seconds)))),
        unit="pairs/s",
        better="higher",
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        samples=tuple(samples),
    )


def _pairs_in(run: Run, seconds: range) -> list[float]:
    return [float(run.record.pairs_in_time.get(second, 0)) for second in seconds]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _whole_seconds(run: Run) -> range:
    return range(_EDGE_S, max(_EDGE_S, math.floor(run.seconds) - _EDGE_S))


def _outcomes(run: Run) -> list[Figure]:
    record = run.record
    figures = [Figure(name=name, value=record.outcomes[name], unit="requests") for name in OUTCOMES]
    return [*figures, Figure(name="late", value=record.late, unit="requests")]


def _memory(run: Run) -> list[Figure]:
    # of one process each, so that nothing says how much chance varies them: they only describe
    figures = (
        [Figure(name="memory", value=max(held), unit="bytes")] if (held := run.memory.resident_bytes) else []
    )
    if (growth := run.memory.growth_bytes()) is not None:
        figures.append(Figure(name="memory growth in the second half", value=growth, unit="bytes"))
    return figures


def _search(run: Run) -> list[Figure]:
    if run.p99_limit_ms is None:
        return []
    found = best(list(run.trials), run.p99_limit_ms)
    # of one search, so that nothing says how much chance varies it: it only describes
    return [Figure(name="highest rate", value=found.rate if found else 0.0, unit="requests/s")]


def _callers(run: Run) -> list[System]:
    if run.callers < 2:
        return []
    return [
        System(
            name=f"caller {caller + 1}",
            figures=tuple(
                _latency(f"p{percent:g}", run.record.caller_percentile_ms(caller, percent))
                for percent in _PERCENTILES
            ),
        )
        for caller in sorted(run.record.by_caller)
    ]


def _curves(run: Run) -> list[Curve]:
    record = run.record
    made = [
        _curve(
            "Latency by percentile", "percentile", "ms", [(f, record.percentile_ms(f)) for f in _spectrum()]
        ),
        _curve("Slowest request by second", "second it was due", "ms", _slowest_by_second(record)),
        _curve(
            "Goodput by second",
            "second",
            "pairs/s",
            [(second, record.pairs_in_time.get(second, 0)) for second in range(math.ceil(run.seconds))],
        ),
        _curve("Memory", "second", "MB", list(_held_mb(run.memory))),
        _curve("p99 by rate", "requests/s", "ms", sorted((one.rate, one.p99_ms) for one in run.trials)),
    ]
    return [one for one in made if one.series[0].points]


def _held_mb(memory: Memory) -> Iterator[tuple[float, float]]:
    for second, held in enumerate(memory.resident_bytes):
        yield second, held / 1e6


def _curve(title: str, x_label: str, y_label: str, points: Sequence[tuple[float, float]]) -> Curve:
    series = Series(name=title, points=tuple(Point(x=x, y=y) for x, y in points))
    return Curve(title=title, x_label=x_label, y_label=y_label, series=(series,))


def _slowest_by_second(record: Record) -> list[tuple[float, float]]:
    return [(second, max(ms)) for second, ms in sorted(record.seconds.items())]


def _spectrum() -> list[float]:
    return [0.0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 97, 98, 99, 99.5, 99.9, 100.0]


def _notes(run: Run) -> list[str]:
    notes = ["latencies are from when a request was due, not from when it was sent"]
    lag_ms = 1000 * run.record.worst_lag_s
    if lag_ms > _LAG_WORTH_SAYING_MS:
        notes.append(
            f"the sender fell up to {lag_ms:.0f} ms behind, which is in the latencies: give it a machine of its own"
        )
    if run.stopped_answering:
        notes.append(f"the target stopped answering: {run.stopped_answering}")
    if run.memory.has_ended:
        notes.append("the process whose memory was watched ended during the run")
    notes += _search_notes(run)
    details = run.record.details.most_common(3)
    return notes + [f"error: {detail}, {count} times" for detail, count in details]


def _search_notes(run: Run) -> list[str]:
    """Where the search ended at an edge of what it tries, and what the rates that did not hold came to."""
    if run.p99_limit_ms is None or not run.trials:
        return []
    found, limit = best(list(run.trials), run.p99_limit_ms), f"{run.p99_limit_ms:g} ms"
    failed = [one for one in run.trials if not one.holds(run.p99_limit_ms)]
    if not failed:
        return [f"all rates that were tried hold a p99 of {limit}: begin with a higher --rate"]
    least = min(failed, key=lambda one: one.rate)
    came_to = (
        f"p99 {least.p99_ms:.0f} ms, {100 * least.unserved:.1f} % not served at {least.rate:.1f} requests/s"
    )
    reported = (
        "the last rate, where the search ended" if run.trials[-1].stopped_answering else "the first rate"
    )
    if found is None:
        longer = "; lower ones need more --seconds" if least.rate / 2 * run.seconds < FEWEST_REQUESTS else ""
        return [
            f"no rate that was tried holds a p99 of {limit}: {came_to}; what is reported is {reported}{longer}"
        ]
    return [f"the lowest rate that does not hold a p99 of {limit}: {came_to}"]
