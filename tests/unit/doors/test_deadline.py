"""A caller's timeout as the time by which scoring has to stop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.deadline import scoring_deadline


@pytest.mark.parametrize(
    ("timeout_ms", "documents", "stops_after_ms"),
    [(300, 20, 284.6), (300, 1000, 265), (30_000, 100, 29_978), (2, 1, 1)],
)
def test_some_time_is_kept_for_the_answer(timeout_ms: float, documents: int, stops_after_ms: float) -> None:
    assert (scoring_deadline(5.0, timeout_ms, documents) - 5.0) * 1000 == pytest.approx(stops_after_ms)


@given(st.integers(1, 86_400_000), st.integers(0, 10_000))
def test_at_least_half_of_the_time_is_for_scoring(timeout_ms: int, documents: int) -> None:
    spent = scoring_deadline(0.0, timeout_ms, documents)
    assert timeout_ms / 2000 <= spent <= timeout_ms / 1000
