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
