"""Two runs under load are told apart where they differ, and not where chance alone was at work."""

from __future__ import annotations

import numpy as np
import pytest

from jrerank.bench.load.highest import Trial
from jrerank.bench.load.memory import Memory
from jrerank.bench.load.record import Answer, Record
from jrerank.bench.load.report import Run, load_report, percentiles_by_part
from jrerank.bench.report.compare import compare
from jrerank.bench.report.schema import Figure, Report

REQUESTS, SECONDS = 1_200, 60


def record(seed: int, slower: float = 1.0, requests: int = REQUESTS) -> Record:
    """Latencies of 100 ms and lognormally more."""
    made, generator = Record(), np.random.default_rng(seed)
    for number in range(requests):
        due = number * SECONDS / requests
        latency = slower * (0.08 + 0.02 * float(generator.lognormal(0, 0.5)))
        made.add(due, due, due + latency, Answer("complete", 10), 0, 1.0)
    return made


def report(seed: int, slower: float = 1.0) -> Report:
    return load_report(Run(record(seed, slower), REQUESTS / SECONDS, SECONDS, 1000, "target"))


def regressions(old: Report, new: Report) -> set[str]:
    return {one.figure for one in compare(old, new) if one.regression}


def test_a_tenth_slower_is_found_and_chance_is_not() -> None:
    pairs = [(2 * number, 2 * number + 1) for number in range(10)]
    assert sum("p50" in regressions(report(old), report(new, 1.1)) for old, new in pairs) >= 9
    assert sum(bool(regressions(report(old), report(new))) for old, new in pairs) <= 1


def goodput(run: Run) -> Figure:
    (figure,) = [one for one in load_report(run).systems[0].figures if one.name == "goodput"]
    return figure


@pytest.mark.parametrize("seconds", [2, 10])
def test_what_is_answered_after_the_run_is_no_goodput_of_its_seconds(seconds: int) -> None:
    """Of a target that does 10 pairs a second, and still has 5 s of work when the run ends."""
    overloaded = Record()
    for number in range(seconds + 5):
        due = min(number, seconds - 1)
        overloaded.add(due, due, number + 0.5, Answer("complete", 10), 0, 60.0)
    assert goodput(Run(overloaded, 1.0, seconds, 60_000, "target")).value == 10


def test_goodput_is_within_its_interval_though_the_first_answers_come_late() -> None:
    slow = Record()
    for number in range(20):
        slow.add(number, number, number + 4.5, Answer("complete", 10 + number % 2), 0, 5.0)
    figure = goodput(Run(slow, 1.0, 20, 5_000, "target"))
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= figure.value <= figure.high
    assert figure.value == pytest.approx(np.mean(figure.samples))


def test_a_percentile_that_a_handful_of_requests_decide_only_describes() -> None:
    figures = {figure.name: figure for figure in report(1).systems[0].figures}
    assert [name for name, one in figures.items() if one.unit == "ms" and one.better is None] == [
        "p99.9",
        "slowest",
    ]
    assert len(figures["p99"].samples) == 6
    assert len(figures["p50"].samples) == 10


def test_at_a_rate_that_a_faster_build_raises_latencies_only_describe() -> None:
    runs = [
        Run(record(seed, slower), REQUESTS / SECONDS, SECONDS, 1000, "target", rate_is_found=True)
        for seed, slower in ((1, 1.0), (2, 1.5))
    ]
    old, new = map(load_report, runs)
    assert not regressions(old, new)
    assert not [one for one in new.systems[0].figures if one.unit == "ms" and one.better]


def test_a_figure_of_one_process_or_one_search_only_describes() -> None:
    run = Run(
        record(1), REQUESTS / SECONDS, SECONDS, 1000, "target", Memory([5, 7, 6]), trials=(Trial(20.0, 90.0),), p99_limit_ms=100.0
    )  # fmt: skip
    figures = {figure.name: figure for figure in load_report(run).systems[0].figures}
    assert (figures["memory"].value, figures["memory"].better) == (7, None)
    assert (figures["highest rate"].value, figures["highest rate"].better) == (20.0, None)
    assert all(len(figure.samples) >= 3 for figure in figures.values() if figure.better)


def test_parts_are_of_neighbouring_requests() -> None:
    stalled = Record()
    for number in range(100):
        latency = 0.9 if 50 <= number < 60 else 0.1
        stalled.add(number / 10, number / 10, number / 10 + latency, Answer("complete", 1), 0, 1.0)
    assert [round(value) for value in percentiles_by_part(stalled, 50)] == [100] * 5 + [900] + [100] * 4
    assert percentiles_by_part(record(1, requests=100), 99) == []


def test_the_slowest_request_of_each_second_is_a_point() -> None:
    stalled = Record()
    for due, latency in ((1.2, 0.1), (0.1, 0.25), (1.9, 0.5), (0.9, 0.125)):
        stalled.add(due, due, due + latency, Answer("complete", 1), 0, 1.0)
    curves = {curve.title: curve for curve in load_report(Run(stalled, 2, 2, 1000, "target")).curves}
    points = curves["Slowest request by second"].series[0].points
    assert [(point.x, point.y) for point in points] == [(0, 250), (1, 500)]


@pytest.mark.parametrize(
    ("trials", "ends"),
    [
        ((Trial(20.0, 900.0), Trial(10.0, 900.0)), "what is reported is the first rate"),
        ((Trial(4.0, 900.0), Trial(2.0, 900.0)), "the first rate; lower ones need more --seconds"),
        ((Trial(20.0, 9.0, 1.0, "dead"),), "what is reported is the last rate, where the search ended"),
    ],
)
def test_where_no_rate_holds_a_search_says_what_is_reported(trials: tuple[Trial, ...], ends: str) -> None:
    run = Run(record(1), REQUESTS / SECONDS, SECONDS, 1000, "target", trials=trials, p99_limit_ms=8.0)
    (note,) = [one for one in load_report(run).notes if one.startswith("no rate")]
    assert note.endswith(ends)


def test_a_report_says_that_its_target_stopped_answering() -> None:
    run = Run(record(1), REQUESTS / SECONDS, SECONDS, 1000, "target", stopped_answering="after the run, why")
    assert "the target stopped answering: after the run, why" in load_report(run).notes


@pytest.mark.parametrize(
    ("trials", "note"),
    [
        ((Trial(10.0, 50.0), Trial(20.0, 90.0)), "all rates that were tried hold a p99 of 100 ms"),
        (
            (Trial(10.0, 50.0), Trial(20.0, 90.0, 0.25), Trial(15.0, 900.0)),
            "the lowest rate that does not hold a p99 of 100 ms: p99 900 ms, 0.0 % not served at 15.0 requests/s",
        ),
        (
            (Trial(20.0, 5.0, 0.5), Trial(10.0, 5.0, 0.25)),
            "no rate that was tried holds a p99 of 100 ms: p99 5 ms, 25.0 % not served at 10.0 requests/s",
        ),
    ],
)
def test_a_search_says_where_it_ended(trials: tuple[Trial, ...], note: str) -> None:
    run = Run(record(1), REQUESTS / SECONDS, SECONDS, 1000, "target", trials=trials, p99_limit_ms=100.0)
    assert any(one.startswith(note) for one in load_report(run).notes)
