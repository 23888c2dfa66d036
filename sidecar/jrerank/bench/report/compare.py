"""What changed since an older report: each figure's change with its interval, and whether it is a regression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jrerank.bench.report.basis import without_yardstick
from jrerank.bench.report.schema import Figure, Report
from jrerank.errors import InvalidInput
from jrerank.evaluation.significance import bootstrap

_RESAMPLES = 4_000
_SEED = 20_251_126
_MAY_DIFFER = (
    "model",
    "rounds",
    "layout",
    "queries",
)  # the same work under other names, or more or less of it

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How much worse a figure may get: speed and latency by this share, measures from 0 to 1 by this much."""

    relative: float = 0.05
    absolute: float = 0.005


@dataclass(frozen=True, slots=True)
class Change:
    """Of one figure: new against old, as a share of the old value where `relative`, else as a difference.

    `low` and `high` are None where a report has too few samples to say; it is no regression then.
    """

    system: str
    figure: str
    unit: str
    old: float
    new: float
    change: float
    low: float | None
    high: float | None
    relative: bool
    regression: bool


def compare(old: Report, new: Report, thresholds: Thresholds | None = None) -> list[Change]:
    """The figures that both reports have, and that can be better or worse.

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
    relative = bool(old.unit) and old.value != 0
    change, low, high = _interval(old, new, was, now, relative=relative)
    sign = 1 if new.better == "lower" else -1
    limit = limits.relative if relative else limits.absolute
    certain = low is not None and high is not None and (low > 0 if sign > 0 else high < 0)
    return Change(
        system=system,
        figure=new.name,
        unit=new.unit,
        old=old.value,
        new=new.value,
        change=change,
        low=low,
        high=high,
        relative=relative,
        regression=sign * change > limit and certain,
    )


def _interval(
    old: Figure, new: Figure, was: Report, now: Report, *, relative: bool
) -> tuple[float, float | None, float | None]:
    if not relative and was.sample_ids and len(old.samples) == len(was.sample_ids):
        return _paired(old, new, was, now)
    before, after = (
        (old.relative_samples, new.relative_samples)
        if old.relative_samples and new.relative_samples and without_yardstick(was, now) is None
        else (old.samples, new.samples)
    )
    if len(before) < 3 or len(after) < 3:
        change = (new.value - old.value) / old.value if relative else new.value - old.value
        return change, None, None
    return _resampled(np.asarray(before), np.asarray(after), relative=relative)


def _paired(old: Figure, new: Figure, was: Report, now: Report) -> tuple[float, float | None, float | None]:
    """Over the queries that both reports have."""
    before = dict(zip(was.sample_ids, old.samples, strict=True))
    differences = [
        value - before[id] for id, value in zip(now.sample_ids, new.samples, strict=True) if id in before
    ]
    if not differences:
        raise InvalidInput("the reports have no query in common", field="compare")
    interval = bootstrap(differences)
    return interval.mean, interval.low, interval.high


def _resampled(before: Floats, after: Floats, *, relative: bool) -> tuple[float, float, float]:
    """Of medians: one slow round is not a slow build."""
    generator = np.random.default_rng(_SEED)
    was, now = (
        np.median(values[generator.integers(0, len(values), (_RESAMPLES, len(values)))], axis=1)
        for values in (before, after)
    )
    changes = now / was - 1 if relative else now - was
    middle = float(
        np.median(after) / np.median(before) - 1 if relative else np.median(after) - np.median(before)
    )
    low, high = np.quantile(changes, [0.025, 0.975])
    return middle, float(low), float(high)
