"""Rounds as a report: speeds with their spread, latency by depth, speed by length, and what to set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from jrerank import __version__
from jrerank.bench.machine import describe_machine, now
from jrerank.bench.report.schema import Curve, Figure, Machine, Point, Report, Series, Setting, System
from jrerank.bench.speed.contender import Contender
from jrerank.bench.speed.rounds import Timings
from jrerank.bench.speed.workload import Workload
from jrerank.bench.speed.yardstick import YARDSTICK

_SEED = 20_251_126
_RESAMPLES = 4_000


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that a run has measured: `by_depth` and `by_length` are seconds of each round, by number and contender."""

    model: str
    work: Workload
    contenders: Sequence[Contender]
    timings: Mapping[str, Timings]
    by_depth: Mapping[int, Mapping[str, Timings]] = field(default_factory=dict)
    by_length: Mapping[int, Mapping[str, Timings]] = field(default_factory=dict)
    length_pairs: int = 0
    left_out: Sequence[str] = ()
    machine: Machine | None = None


def speed_report(measured: Measured) -> Report:
    """The fastest first."""
    order = sorted(measured.contenders, key=lambda one: np.median(measured.timings[one.name].seconds))
    work = measured.work
    rounds = len(measured.timings[order[0].name].seconds)
    return Report(
        kind="speed",
        title=f"Speed of {measured.model}: {len(work.windows)} pairs, {work.tokens / len(work.windows):.0f} tokens on average",
        created=now(),
        version=__version__,
        machine=measured.machine or describe_machine(),
        parameters={
            "model": measured.model,
            "pairs": str(len(work.windows)),
            "tokens": str(work.tokens),
            "longest": str(max(map(len, work.windows))),
            "rounds": str(rounds),
        },
        yardstick=YARDSTICK,
        systems=tuple(_system(one, order, measured) for one in order),
        curves=tuple(_curves(measured)),
        advice=tuple(advice(measured.contenders, measured.timings)),
        notes=tuple(_notes(measured)),
    )


def advice(contenders: Sequence[Contender], timings: Mapping[str, Timings]) -> list[Setting]:
    """The settings of our own fastest; of those that can't be told from it, the first given, so that chance decides nothing."""
    ours = [one for one in contenders if one.ours]
    if not ours:
        return []
    fastest = min(ours, key=lambda one: np.median(timings[one.name].seconds))
    best = next(one for one in ours if one is fastest or _ratio_interval(one, fastest, timings)[0] <= 1.0)
    return [
        Setting(variable=name, value=value, reason=f"the fastest of ours here: {best.name}")
        for name, value in best.variables
    ]


def _ratios(contender: Contender, ours: Contender, timings: Mapping[str, Timings]) -> list[float]:
    theirs, best = timings[contender.name].seconds, timings[ours.name].seconds
    return [mine / other for mine, other in zip(theirs, best, strict=True)]


def _ratio_interval(
    contender: Contender, ours: Contender, timings: Mapping[str, Timings]
) -> tuple[float, float]:
    return interval_of_median(_ratios(contender, ours, timings))


def _system(contender: Contender, order: Sequence[Contender], measured: Measured) -> System:
    timings, work = measured.timings[contender.name], measured.work
    ours = next((one for one in order if one.ours), order[0])
    figures = [
        _speed("pairs/s", len(work.windows), timings),
        _speed("tokens/s", work.tokens, timings, better=False),
        *_cpu(contender, len(work.windows), timings),
        *_ratio(contender, ours, measured.timings),
        Figure(
            name="spread over rounds",
            value=100 * float(np.std(timings.seconds) / np.mean(timings.seconds)),
            unit="%",
        ),
        *_latencies(contender.name, measured),
    ]
    return System(name=contender.name, description=contender.description, figures=tuple(figures))


def _speed(unit: str, amount: int, timings: Timings, *, better: bool = True) -> Figure:
    samples = [amount / seconds for seconds in timings.seconds]
    low, high = interval_of_median(samples)
    relative = [speed * one.wall_s for speed, one in zip(samples, timings.yardstick, strict=True)]
    return Figure(
        name=unit,
        value=float(np.median(samples)),
        unit=unit,
        better="higher" if better else None,
        low=low,
        high=high,
        samples=tuple(samples),
        relative_samples=tuple(relative) if better else (),
    )


def _cpu(contender: Contender, pairs: int, timings: Timings) -> list[Figure]:
    """What a pair costs, which other processes on the machine hardly change; of an endpoint it is not known."""
    if contender.remote:
        return []
    samples = [1000 * seconds / pairs for seconds in timings.cpu_seconds]
    low, high = interval_of_median(samples)
    relative = [cost / (1000 * one.cpu_s) for cost, one in zip(samples, timings.yardstick, strict=True)]
    return [
        Figure(
            name="CPU per pair",
            value=float(np.median(samples)),
            unit="ms",
            better="lower",
            low=low,
            high=high,
            samples=tuple(samples),
            relative_samples=tuple(relative),
        )
    ]


def _ratio(contender: Contender, ours: Contender, timings: Mapping[str, Timings]) -> list[Figure]:
    """How many times as long as our fastest it takes, round by round."""
    if contender is ours:
        return []
    ratios = _ratios(contender, ours, timings)
    low, high = interval_of_median(ratios)
    return [Figure(name="times our fastest", value=float(np.median(ratios)), unit="x", low=low, high=high)]


def _latencies(name: str, measured: Measured) -> list[Figure]:
    figures = []
    for depth, timings in measured.by_depth.items():
        for label, percent in (("p50", 50), ("p95", 95)):
            value = 1000 * float(np.percentile(timings[name].seconds, percent)) if name in timings else None
            if value is not None:
                figures.append(Figure(name=f"{label} of {depth}", value=value, unit="ms"))
    return figures


def interval_of_median(samples: Sequence[float]) -> tuple[float, float]:
    """Its 95 % interval, by bootstrap: where the median of another run of as many rounds is to be expected."""
    values = np.asarray(samples)
    generator = np.random.default_rng(_SEED)
    medians = np.median(values[generator.integers(0, len(values), (_RESAMPLES, len(values)))], axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(low), float(high)


def _curves(measured: Measured) -> list[Curve]:
    names = [one.name for one in measured.contenders]
    curves = []
    if measured.by_depth:
        curves.append(
            _curve(
                "Latency by depth: one request alone, median",
                "pairs in the request",
                "ms",
                names,
                measured.by_depth,
                _ms,
            )
        )
    if measured.by_length:
        pairs = measured.length_pairs

        def speed(timings: Timings) -> float:
            return pairs / float(np.median(timings.seconds))

        curves.append(
            _curve(
                "Speed by length",
                "tokens of a pair",
                "pairs/s",
                names,
                measured.by_length,
                speed,
                logarithmic=True,
            )
        )
    return curves


def _curve(
    title: str,
    x_label: str,
    y_label: str,
    names: Sequence[str],
    table: Mapping[int, Mapping[str, Timings]],
    value: Callable[[Timings], float],
    *,
    logarithmic: bool = False,
) -> Curve:
    series = (
        Series(
            name=name, points=tuple(Point(x=x, y=value(row[name])) for x, row in table.items() if name in row)
        )
        for name in names
    )
    return Curve(
        title=title,
        x_label=x_label,
        y_label=y_label,
        logarithmic=logarithmic,
        series=tuple(one for one in series if one.points),
    )


def _ms(timings: Timings) -> float:
    return 1000 * float(np.median(timings.seconds))


def _notes(measured: Measured) -> list[str]:
    yardsticks = [pace.wall_s for one in measured.timings.values() for pace in one.yardstick]
    noise = 100 * float(np.std(yardsticks) / np.mean(yardsticks))
    notes = [
        f"all in turn, round by round; the machine's own speed varied by {noise:.1f} % (standard deviation of a fixed computation)",
        "our engines are measured alone, on tokenized pairs; peers tokenize too, and an endpoint's time has its way there and back",
    ]
    return [*notes, *(f"left out: {reason}" for reason in measured.left_out)]
