from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.bench.load.arrivals import Arrivals, arrival_times, replayed


def test_constant_arrivals_are_evenly_spaced() -> None:
    assert arrival_times(4, 1, "constant") == [0.0, 0.25, 0.5, 0.75]


def test_poisson_arrivals_have_the_rate_and_gaps_as_uneven_as_their_mean() -> None:
    times = arrival_times(50, 100, "poisson")
    gaps = [later - sooner for sooner, later in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert len(times) == pytest.approx(5000, rel=0.05)
    assert spread == pytest.approx(mean, rel=0.1)


@given(st.floats(0.1, 200), st.floats(0.5, 20), st.sampled_from(["constant", "poisson"]))
def test_times_ascend_within_the_run(rate: float, seconds: float, kind: Arrivals) -> None:
    times = arrival_times(rate, seconds, kind)
    assert times == sorted(times)
    assert all(0 <= at < seconds or at == pytest.approx(seconds) for at in times)


def test_a_log_is_replayed_from_its_first_request() -> None:
    assert replayed([105.0, 100.0, 101.0]) == [0.0, 1.0, 5.0]
    assert replayed([105.0, 100.0], speed=10) == [0.0, 0.5]
    assert replayed([]) == []
