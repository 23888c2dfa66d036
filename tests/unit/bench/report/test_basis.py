"""Multiples of different yardsticks are never compared with each other."""

from __future__ import annotations

import pytest

from jrerank.bench.report.basis import without_yardstick
from jrerank.bench.report.compare import compare, other_conditions
from jrerank.bench.report.schema import Report
from unit.bench.reports import quality_report, speed_report

ROUNDS = (100.0, 101.0, 99.0, 100.0, 100.5)


def measured_by(yardstick: str, unit: float) -> Report:
    """Equal speeds, in multiples of a computation that takes so long."""
    report = speed_report(*ROUNDS)
    (system,) = report.systems
    (figure,) = system.figures
    relative = tuple(unit * sample for sample in figure.samples)
    figure = figure.model_copy(update={"relative_samples": relative})
    system = system.model_copy(update={"figures": (figure,)})
    return report.model_copy(update={"systems": (system,), "yardstick": yardstick})


@pytest.mark.parametrize("older", ["hashing/1", ""])
def test_the_ratio_of_two_yardsticks_is_no_change_of_speed(older: str) -> None:
    old, new = measured_by(older, 3.0), measured_by("layer/1", 1.0)
    (change,) = compare(old, new)
    assert change.change == pytest.approx(0.0)
    assert not change.regression
    (condition,) = other_conditions(old, new)
    assert condition.startswith(f"yardstick {older or 'unknown'}, now layer/1: speed is judged by seconds")


def test_two_reports_that_name_no_yardstick_are_compared_by_seconds() -> None:
    (change,) = compare(measured_by("", 3.0), measured_by("", 1.0))
    assert change.change == pytest.approx(0.0)


def test_the_same_yardstick_is_compared_by() -> None:
    old, new = measured_by("layer/1", 1.0), measured_by("layer/1", 0.5)
    assert without_yardstick(old, new) is None
    assert compare(old, new)[0].regression


def with_packages(report: Report, **packages: str) -> Report:
    return report.model_copy(update={"machine": report.machine.model_copy(update={"packages": packages})})


@pytest.mark.parametrize("package", ["onnxruntime", "numpy"])
def test_a_library_that_slows_the_yardstick_too_is_found(package: str) -> None:
    slower = speed_report(*ROUNDS, yardstick=0.8)
    old, new = speed_report(*ROUNDS), with_packages(slower, **{package: "2"})
    old = with_packages(old, **{package: "1"})
    (change,) = compare(old, new)
    assert change.change == pytest.approx(-0.2)
    assert change.regression
    assert any(
        one.startswith(f"{package}, which the yardstick runs on too") for one in other_conditions(old, new)
    )
    assert not compare(with_packages(old, torch="1"), with_packages(new, torch="2"))[0].regression


def test_of_measures_there_is_nothing_to_say() -> None:
    assert without_yardstick(quality_report(0.5), quality_report(0.5)) is None
