from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrerank.bench.load.highest import Trial, best, highest_rate


@given(capacity=st.floats(2, 400), start=st.floats(1, 200))
@settings(deadline=None)
async def test_the_rate_that_holds_is_found_from_any_start(capacity: float, start: float) -> None:
    async def trial(rate: float) -> Trial:
        return Trial(rate, 50.0 if rate <= capacity else 900.0)

    trials = await highest_rate(trial, start, p99_ms=100)
    found = best(trials, 100)
    assert len(trials) < 20
    if start / 64 <= capacity <= start * 256:
        assert found is not None
        assert found.rate <= capacity
        assert found.rate == pytest.approx(capacity, rel=0.05) or capacity < start / 32


async def test_where_nothing_holds_there_is_no_rate() -> None:
    async def trial(rate: float) -> Trial:
        return Trial(rate, 900.0)

    assert best(await highest_rate(trial, 10, 100), 100) is None


async def test_a_rate_at_which_most_is_refused_at_once_does_not_hold() -> None:
    async def trial(rate: float) -> Trial:
        return Trial(rate, 5.0, unserved=max(0.0, 1 - 20 / rate))

    found = best(await highest_rate(trial, 10, 100), 100)
    assert found is not None
    assert 19 < found.rate < 20.3


@pytest.mark.parametrize("capacity", [0.0, 1.0, 6.0])
async def test_no_rate_is_tried_at_which_too_few_requests_come(capacity: float) -> None:
    async def trial(rate: float) -> Trial:
        return Trial(rate, 50.0 if rate <= capacity else 900.0)

    trials = await highest_rate(trial, 20, 100, lowest=3.5)
    assert min(one.rate for one in trials) >= 3.5
    found = best(trials, 100)
    assert (found and round(found.rate)) == (6 if capacity == 6.0 else None)
    if not found:
        assert [one.rate for one in trials] == [20, 10, 5, 3.5], "below there is nothing to halve"


async def test_where_the_target_stops_answering_the_trials_so_far_stay() -> None:
    async def trial(rate: float) -> Trial:
        return Trial(rate, 50.0, 0.0 if rate < 40 else 1.0, "" if rate < 40 else "it is dead")

    trials = await highest_rate(trial, 10, 100)
    assert [one.rate for one in trials] == [10, 20, 40]
    assert best(trials, 100) == Trial(20, 50.0)
