"""What changed since an older report: each figure's change with its interval, and whether it is a regression."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jrerank.bench.report.basis import without_yardstick
from jrerank.bench.report.schema import Figure, Report, System
from jrerank.errors import InvalidInput
from jrerank.evaluation.significance import bootstrap

_RESAMPLES = 4_000
_FEWEST_SAMPLES = 3
_WORKERS = re.compile(r" x\d+$")
_SEED = 20_251_126
_MAY_DIFFER = (
    "model",
    "rounds",
    "layout",
    "queries",
)  # the same work under other names, or more or less of it

Floats = npt.NDArray[np.float64]
Average = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How much worse a figure may get: speed and latency by this share, measures from 0 to 1 by this much."""

    relative: float = 0.05
    absolute: float = 0.005


@dataclass(frozen=True, slots=True)
class Shift:
    """New against old, as a share of the old value where `relative`, else as a difference.

    `low` and `high` are None where a report has too few samples to say. Of a measure, `old` and `new` are over the queries that
    both reports have.
    """

    old: float
    new: float
    change: float
    low: float | None
    high: float | None
    relative: bool


@dataclass(frozen=True, slots=True)
class Change(Shift):
    """Of one figure. Where `low` and `high` are None it is no regression."""

    system: str
    figure: str
    unit: str
    regression: bool


def compare(old: Report, new: Report, thresholds: Thresholds | None = None) -> list[Change]:
    """The figures that both reports have, and that can be better or worse; `vanished` has the others.

    A regression is worse by more than the threshold, and its interval does not reach 0: chance alone would not do it.

    Raises:
        InvalidInput: the reports are of different kinds or of different work, or have no figure in common.
    """
    if old.kind != new.kind:
        raise InvalidInput(
            f"the old report is of kind {old.kind}, the new one of kind {new.kind}", field="compare"
        )
    _check_same_work(old, new)
    limits = thresholds or Thresholds()
    changes = [
        _change(system, before, after, limits, old, new) for system, before, after in _common(old, new)
    ]
    if not changes:
        raise InvalidInput(
            "the reports have no figure in common: were other systems measured?", field="compare"
        )
    return changes


def vanished(old: Report, new: Report) -> list[str]:
    """What the older report judged and the new one does not: a system that can't be run any more is worse than a slow one."""
    systems = {system.name: system for system in new.systems}
    return [line for before in old.systems for line in _vanished_of(before, systems.get(before.name), new)]


def _vanished_of(before: System, now: System | None, new: Report) -> list[str]:
    judged = [figure.name for figure in before.figures if figure.better]
    if now is None:
        return [before.name] if judged and not _with_other_workers(before.name, new) else []
    kept = {figure.name for figure in now.figures if figure.better}
    return [f"{before.name}: {name}" for name in judged if name not in kept]


def _with_other_workers(name: str, new: Report) -> bool:
    """Half and twice the workers are tried of whichever engine was the fastest, so that chance may choose another one."""
    if new.kind != "speed":
        return False
    return _WORKERS.sub("", name) in {_WORKERS.sub("", system.name) for system in new.systems}


def other_conditions(old: Report, new: Report) -> list[str]:
    """What else is not as it was, and may be why figures changed."""
    was, now = _conditions(old), _conditions(new)
    changed = [
        f"{name} {was[name]}, now {now[name]}" for name in was if name in now and was[name] != now[name]
    ]
    reason = without_yardstick(old, new)
    return [*changed, reason] if reason else changed


def _conditions(report: Report) -> dict[str, str]:
    machine = report.machine
    facts = {
        "CPU": machine.cpu,
        "cores": str(machine.cores),
        "CPU features": machine.features,
        "Python": machine.python,
    }
    described = {name: report.parameters[name] for name in _MAY_DIFFER if name in report.parameters}
    return {**facts, **machine.packages, **described}


def _check_same_work(old: Report, new: Report) -> None:
    """Fewer pairs a second of longer pairs are no slower build, and neither is a higher latency at a higher rate."""
    for name in new.parameters:
        if name not in _MAY_DIFFER and name not in old.parameters:
            raise InvalidInput(
                f"the older report does not say its {name}, now {new.parameters[name]}; measure it anew",
                field="compare",
            )
    for name, value in old.parameters.items():
        if name not in _MAY_DIFFER and new.parameters.get(name, value) != value:
            raise InvalidInput(
                f"the older report measured other work: {name} {value}, now {new.parameters[name]}; measure it anew",
                field="compare",
            )


def _common(old: Report, new: Report) -> Iterator[tuple[str, Figure, Figure]]:
    systems = {system.name: system for system in old.systems}
    for system in new.systems:
        before = systems.get(system.name)
        for figure in system.figures:
            if before and figure.better and (other := before.figure(figure.name)):
                yield system.name, other, figure


def _change(system: str, old: Figure, new: Figure, limits: Thresholds, was: Report, now: Report) -> Change:
    shift = _shift(old, new, was, now)
    regression = _is_regression(shift, new, limits)
    return Change(**asdict(shift), system=system, figure=new.name, unit=new.unit, regression=regression)


def _is_regression(shift: Shift, figure: Figure, limits: Thresholds) -> bool:
    """What is no number is one: it is neither within the threshold nor chance."""
    if shift.low is None or shift.high is None:
        return False
    limit = limits.relative if shift.relative else limits.absolute
    worse, least = (shift.change, shift.low) if figure.better == "lower" else (-shift.change, -shift.high)
    return not (worse <= limit or least <= 0)


def _shift(old: Figure, new: Figure, was: Report, now: Report) -> Shift:
    if not old.unit and _is_by_query(old, was) and _is_by_query(new, now):
        return _paired(old, new, was, now)
    before, after = (
        (old.relative_samples, new.relative_samples)
        if old.relative_samples and new.relative_samples and without_yardstick(was, now) is None
        else (old.samples, new.samples)
    )
    if min(len(before), len(after)) < _FEWEST_SAMPLES:
        relative = bool(old.unit) and old.value != 0
        change = (new.value - old.value) / (old.value if relative else 1)
        return Shift(old.value, new.value, change, None, None, relative)
    return _resampled(old, new, np.asarray(before), np.asarray(after), _average(now))


def _is_by_query(figure: Figure, report: Report) -> bool:
    return 0 < len(figure.samples) == len(report.sample_ids)


def _average(report: Report) -> Average:
    """One slow round is not a slow build: the median. Seconds without an answer are one, though most had some: the mean."""
    return np.mean if report.kind == "load" else np.median


def _paired(old: Figure, new: Figure, was: Report, now: Report) -> Shift:
    """Over the queries that both reports have."""
    before = dict(zip(was.sample_ids, old.samples, strict=True))
    pairs = [
        (before[id], value) for id, value in zip(now.sample_ids, new.samples, strict=True) if id in before
    ]
    if not pairs:
        raise InvalidInput("the reports have no query in common", field="compare")
    shown = [float(np.mean(values)) for values in zip(*pairs, strict=True)]
    interval = bootstrap([value - other for other, value in pairs])
    low, high = (interval.low, interval.high) if len(pairs) >= _FEWEST_SAMPLES else (None, None)
    return Shift(shown[0], shown[1], interval.mean, low, high, relative=False)


def _resampled(old: Figure, new: Figure, before: Floats, after: Floats, average: Average) -> Shift:
    generator = np.random.default_rng(_SEED)
    was, now = (
        average(values[generator.integers(0, len(values), (_RESAMPLES, len(values)))], axis=1)
        for values in (before, after)
    )
    base = float(average(before))
    relative = bool(old.unit) and base != 0
    # by what the older report has, not by each resample of it, which may be of seconds without an answer alone
    divisor = base if relative else 1.0
    low, high = np.quantile((now - was) / divisor, [0.025, 0.975])
    change = (float(average(after)) - base) / divisor
    return Shift(old.value, new.value, change, float(low), float(high), relative)
