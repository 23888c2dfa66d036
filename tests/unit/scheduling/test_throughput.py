"""The estimate follows what is measured."""

from __future__ import annotations

import pytest

from jrerank.scheduling.throughput import Throughput


def test_the_first_measurement_counts_whole() -> None:
    throughput = Throughput(workers=2)
    throughput.calibrate(1_000, 0.1)
    throughput.calibrate_texts(100, 60)
    assert throughput.tokens_per_s == pytest.approx(20_000)
    assert throughput.run_seconds_for(1_000) == pytest.approx(0.1)
    assert throughput.estimated_tokens(50) == 30


def test_it_settles_at_what_is_measured() -> None:
    throughput = Throughput(workers=2)
    for _ in range(200):
        throughput.observe_run(60, 0.01)
        throughput.observe_texts([100], [60])
    assert throughput.tokens_per_s == pytest.approx(12_000, rel=0.01)
    assert throughput.seconds_for(12_000) == pytest.approx(1.0, rel=0.01)
    assert throughput.estimated_tokens(100) == pytest.approx(60, rel=0.02)


def test_slow_runs_count_by_the_time_that_they_take() -> None:
    throughput = Throughput(workers=1)
    for _ in range(100):
        throughput.observe_run(60, 0.01)
        throughput.observe_run(60, 0.03)
    assert throughput.tokens_per_s == pytest.approx(3_000, rel=0.06)


def test_what_says_nothing_teaches_nothing() -> None:
    throughput = Throughput(workers=1)
    before = throughput.tokens_per_s, throughput.estimated_tokens(1_000)
    throughput.observe_run(0, 5.0)
    throughput.observe_run(100, 0.0)
    throughput.observe_texts([], [])
    throughput.calibrate(100, 0.0)
    assert (throughput.tokens_per_s, throughput.estimated_tokens(1_000)) == before


def test_the_shortest_text_has_a_token() -> None:
    assert Throughput(1).estimated_tokens(0) == 1
