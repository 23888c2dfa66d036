"""What changed, by how much, and whether that is a regression."""

from __future__ import annotations

import numpy as np
import pytest

from jrerank.bench.report.compare import Thresholds, compare, other_conditions, vanished
from jrerank.bench.report.schema import Figure, Report, System
from jrerank.errors import InvalidInput
from unit.bench.reports import quality_report, speed_report

GENERATOR = np.random.default_rng(4)


def rounds(speed: float, noise: float = 0.03) -> list[float]:
    return [float(value) for value in speed * GENERATOR.normal(1, noise, 12)]


def test_a_tenth_slower_is_a_regression_and_the_same_speed_is_not() -> None:
    slower = [compare(speed_report(*rounds(100)), speed_report(*rounds(90)))[0].regression for _ in range(20)]
    equal = [compare(speed_report(*rounds(100)), speed_report(*rounds(100)))[0].regression for _ in range(20)]
    assert sum(slower) >= 18
    assert sum(equal) <= 1


def test_without_an_interval_nothing_is_called_a_regression() -> None:
    (change,) = compare(speed_report(100.0, 100.0), speed_report(50.0, 50.0))
    assert (change.change, change.low, change.high) == (-0.5, None, None)
    assert not change.regression


def test_a_slower_machine_is_not_a_slower_build() -> None:
    (change,) = compare(speed_report(*rounds(100)), speed_report(*rounds(100), yardstick=0.5))
    assert not change.regression
    assert abs(change.change) < 0.05
    assert change.new < 0.6 * change.old, "the figures themselves are shown as they were measured"


def test_faster_is_no_regression() -> None:
    (change,) = compare(speed_report(*rounds(100)), speed_report(*rounds(150)))
    assert change.change > 0.4
    assert not change.regression


def test_a_measure_is_compared_query_by_query() -> None:
    old = [0.1 * number for number in range(10)]
    changes = compare(quality_report(*old), quality_report(*(value - 0.02 for value in old)))
    by_system = {change.system: change for change in changes}
    change = by_system["model <b>"]
    assert change.change == pytest.approx(-0.02)
    assert (change.low, change.high) == pytest.approx((-0.02, -0.02)), "all queries lost as much"
    assert change.regression
    assert not by_system["first stage"].regression


def test_a_loss_below_the_threshold_or_by_chance_is_none() -> None:
    old = [0.5] * 10
    slight = quality_report(*(value - 0.004 for value in old))
    assert not compare(quality_report(*old), slight)[1].regression
    assert compare(quality_report(*old), slight, Thresholds(absolute=0.001))[1].regression
    one_query = quality_report(*[0.1, *old[1:]])
    assert not compare(quality_report(*old), one_query)[1].regression


def test_reports_that_have_nothing_in_common_are_refused() -> None:
    with pytest.raises(InvalidInput, match="of kind quality, the new one of kind speed"):
        compare(quality_report(0.5), speed_report(1.0))
    old = quality_report(0.5).model_copy(update={"systems": ()})
    with pytest.raises(InvalidInput, match="no figure in common"):
        compare(old, quality_report(0.5))


def test_other_work_is_refused() -> None:
    old, new = speed_report(*rounds(100)), speed_report(*rounds(50))
    longer = new.model_copy(update={"parameters": {**new.parameters, "depth": "50"}})
    with pytest.raises(InvalidInput, match="measured other work: depth 20, now 50"):
        compare(old, longer)
    renamed = new.model_copy(update={"parameters": {**new.parameters, "model": "b", "rounds": "9"}})
    before = {**old.parameters, "model": "a", "rounds": "7"}
    assert compare(old.model_copy(update={"parameters": before}), renamed)
    untold = old.model_copy(update={"parameters": {}})
    with pytest.raises(InvalidInput, match="does not say its depth, now 20"):
        compare(untold, new)


def test_no_query_in_common_is_refused() -> None:
    other = quality_report(0.5, 0.5).model_copy(update={"sample_ids": ("x", "y")})
    with pytest.raises(InvalidInput, match="no query in common"):
        compare(quality_report(0.5, 0.5), other)


def test_one_common_query_is_no_certainty_and_what_is_shown_is_over_common_ones() -> None:
    old = quality_report(0.9, 0.1, 0.1)
    new = quality_report(0.5, 0.7, 0.7).model_copy(update={"sample_ids": ("q0", "x", "y")})
    change = compare(old, new)[1]
    assert (change.old, change.new) == (0.9, 0.5)
    assert change.change == pytest.approx(-0.4)
    assert (change.low, change.high, change.regression) == (None, None, False)


def load_report(*goodput: float) -> Report:
    """Pairs in each second."""
    figure = Figure(
        name="goodput", value=sum(goodput) / len(goodput), unit="pairs/s", better="higher", samples=goodput
    )
    return speed_report(1.0).model_copy(
        update={"kind": "load", "systems": (System(name="sidecar", figures=(figure,)),), "yardstick": ""}
    )


def test_a_stall_is_a_regression_though_most_seconds_had_answers() -> None:
    steady, stalled = load_report(*[100.0] * 30), load_report(*[100.0] * 18, *[0.0] * 12)
    (change,) = compare(steady, stalled)
    assert change.change == pytest.approx(-0.4)
    assert change.regression
    assert not compare(stalled, steady)[0].regression


def test_a_collapse_is_a_regression_where_most_seconds_had_none_before_too() -> None:
    (change,) = compare(load_report(*[20.0, 0.0, 0.0] * 10), load_report(*[0.0] * 30))
    assert (change.change, change.regression) == (-1.0, True)
    assert change.low is not None
    assert change.low < 0


def test_of_nothing_there_is_no_share() -> None:
    (change,) = compare(load_report(*[0.0] * 10), load_report(*[5.0] * 10))
    assert (change.change, change.relative, change.regression) == (5.0, False, False)


def test_a_system_that_cannot_be_run_any_more_has_vanished() -> None:
    old = quality_report(0.5, 0.5, 0.5)
    without = old.model_copy(update={"systems": old.systems[:1]})
    assert vanished(old, without) == ["model <b>"]
    assert vanished(without, old) == []


def test_a_figure_that_is_not_judged_any_more_has_vanished() -> None:
    old = speed_report(*rounds(100))
    (figure,) = old.systems[0].figures
    only_described = System(name="int8", figures=(figure.model_copy(update={"better": None}),))
    assert vanished(old, old.model_copy(update={"systems": (only_described,)})) == ["int8: pairs/s"]


def test_another_number_of_workers_beside_the_fastest_has_not_vanished() -> None:
    report = speed_report(*rounds(100))

    def with_systems(*names: str) -> Report:
        systems = tuple(System(name=name, figures=report.systems[0].figures) for name in names)
        return report.model_copy(update={"systems": systems})

    old = with_systems("onnx int8 own x1", "onnx int8 own x2", "onnx fp32 own x2")
    assert vanished(old, with_systems("onnx int8 own x2", "onnx fp32 own x2", "onnx fp32 own x1")) == []
    assert vanished(old, with_systems("onnx fp32 own x2")) == ["onnx int8 own x1", "onnx int8 own x2"]


def test_another_machine_and_other_packages_are_told() -> None:
    old, new = speed_report(*rounds(100)), speed_report(*rounds(100))
    machine = new.machine.model_copy(update={"cpu": "Another CPU", "packages": {"onnxruntime": "2"}})
    before = old.model_copy(
        update={"machine": old.machine.model_copy(update={"packages": {"onnxruntime": "1", "torch": "3"}})}
    )
    assert other_conditions(before, new.model_copy(update={"machine": machine})) == [
        "CPU Some CPU, now Another CPU",
        "onnxruntime 1, now 2",
        "onnxruntime, which the yardstick runs on too: speed is judged by seconds alone, which a busier machine changes too",
    ]
    assert other_conditions(old, new) == []
