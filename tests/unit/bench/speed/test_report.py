"""Rounds in turn, what they say, and what is advised."""

from __future__ import annotations

import time
from array import array
from dataclasses import replace

import numpy as np
import pytest

from jrerank.bench.report.compare import compare
from jrerank.bench.speed.contender import Contender
from jrerank.bench.speed.report import Measured, advice, interval_of_median, speed_report
from jrerank.bench.speed.rounds import Timings, interleaved
from jrerank.bench.speed.workload import Workload
from jrerank.bench.speed.yardstick import Pace
from jrerank.domain import Window
from unit.bench.reports import MACHINE

WORK = Workload("q", ("p",) * 10, (Window(array("i", range(50)), 1),) * 10)


def contender(name: str, variables: tuple[tuple[str, str], ...] = ()) -> Contender:
    return Contender(name, "", lambda _: None, variables)


OURS = contender("int8", (("JRERANK_PRECISION", "int8"), ("JRERANK_WORKERS", "2")))
SLOWER = contender("fp32", (("JRERANK_PRECISION", "fp32"), ("JRERANK_WORKERS", "2")))
PEER = contender("peer")


def measured(ours: float, busy: float = 1.0) -> Measured:
    """`busy`: how many times as long everything takes."""
    noise = np.random.default_rng(1).normal(1, 0.02, 9)

    def timings(seconds: float) -> Timings:
        spent = [float(seconds * busy * one) for one in noise]
        return Timings(spent, [2 * one for one in spent], [Pace(0.05 * busy, 0.1 * busy)] * 9)

    all_timings = {"int8": timings(ours), "fp32": timings(0.4), "peer": timings(0.1)}
    return Measured(
        "model",
        WORK,
        [SLOWER, PEER, OURS],
        all_timings,
        {10: all_timings},
        {64: all_timings},
        8,
        ["x: y"],
        MACHINE,
    )


def test_everything_is_measured_once_in_each_round_and_nobody_is_always_first() -> None:
    order: list[str] = []

    def recording(name: str) -> Contender:
        return Contender(name, "", lambda _: order.append(name))

    timings = interleaved([recording("a"), recording("b"), recording("c")], WORK, 3)
    assert order == [*"abc", *"abc", *"bca", *"cab"]
    assert {name: len(one.seconds) for name, one in timings.items()} == {"a": 3, "b": 3, "c": 3}
    assert all(pace.wall_s > 0 and pace.cpu_s > 0 for one in timings.values() for pace in one.yardstick)


def test_what_a_round_gave_is_checked_when_the_clock_has_stopped() -> None:
    checked: list[object] = []

    def check(result: object, work: Workload) -> None:
        time.sleep(0.5)
        checked.append(result)

    timings = interleaved([Contender("a", "", lambda _: "answer", check=check)], WORK, 2)
    assert checked == ["answer"] * 3, "the round that warms up too"
    assert max(timings["a"].seconds) < 0.5


def test_the_fastest_of_ours_is_advised_though_a_peer_is_faster() -> None:
    report = speed_report(measured(0.2))
    assert [system.name for system in report.systems] == ["peer", "int8", "fp32"]
    assert {one.variable: one.value for one in report.advice} == {
        "JRERANK_PRECISION": "int8",
        "JRERANK_WORKERS": "2",
    }
    ratio = report.systems[0].figure("times our fastest")
    assert ratio is not None
    assert ratio.value == pytest.approx(0.5)
    assert report.systems[1].figure("times our fastest") is None
    speed = report.systems[1].figure("pairs/s")
    assert speed is not None
    assert speed.value == pytest.approx(50, rel=0.05)
    assert "left out: x: y" in report.notes


def test_a_busy_machine_is_no_regression_and_a_slower_build_is() -> None:
    busy = compare(speed_report(measured(0.2)), speed_report(measured(0.2, busy=1.7)))
    assert not any(change.regression for change in busy)
    slower = compare(speed_report(measured(0.2)), speed_report(measured(0.22, busy=0.8)))
    assert [(change.system, change.figure) for change in slower if change.regression] == [
        ("int8", "pairs/s"),
        ("int8", "CPU per pair"),
    ]


def test_a_build_that_costs_more_is_found_though_others_hold_the_machine_up() -> None:
    old, new = measured(0.2), measured(0.22)
    held = new.timings["int8"]
    for place in range(9):
        held.seconds[place] *= 1 + place % 4 / 2
    changes = {
        one.figure: one for one in compare(speed_report(old), speed_report(new)) if one.system == "int8"
    }
    assert changes["CPU per pair"].regression
    assert changes["CPU per pair"].change == pytest.approx(0.1, abs=0.01)


def test_of_an_endpoint_the_cpu_time_is_not_known() -> None:
    run = measured(0.2)
    remote = replace(PEER, remote=True)
    report = speed_report(replace(run, contenders=[SLOWER, remote, OURS]))
    assert [system.figure("CPU per pair") is None for system in report.systems] == [True, False, False]


def test_of_two_that_cannot_be_told_apart_the_first_is_advised() -> None:
    timings = {"int8": Timings([1.0, 1.1, 0.9]), "fp32": Timings([0.99, 1.11, 0.89])}
    assert advice([OURS, SLOWER, PEER], timings)[0].value == "int8"
    assert advice([PEER], {}) == []


def test_the_interval_of_a_median_holds_the_median() -> None:
    samples = [1.0, 2.0, 3.0, 4.0, 50.0]
    low, high = interval_of_median(samples)
    assert low < 3.0 < high
