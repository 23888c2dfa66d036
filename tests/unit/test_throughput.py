"""The estimate follows what is measured."""

from __future__ import annotations

import pytest

from builders import pair
from jrerank.throughput import Throughput


def test_it_settles_at_what_is_measured() -> None:
    throughput = Throughput(workers=2)
    for _ in range(200):
        throughput.observe([100], [60], 0.01)
    assert throughput.tokens_per_s == pytest.approx(12_000, rel=0.01)
    assert throughput.seconds_for(12_000) == pytest.approx(1.0, rel=0.01)
    assert throughput.estimated_tokens(pair("x", (1,) * 50)) == pytest.approx(60, rel=0.02)


def test_a_failed_run_teaches_nothing() -> None:
    throughput = Throughput(workers=1)
    before = throughput.tokens_per_s
    throughput.observe([100, 100], [60], 5.0)
    assert throughput.tokens_per_s == before


def test_no_estimate_is_beyond_what_a_pair_may_hold() -> None:
    assert Throughput(1).estimated_tokens(pair("x", (1,) * 100_000)) == 512
