"""Refusals in the log."""

from __future__ import annotations

from jrerank.doors.refusals import Refusals


def test_each_mistake_has_a_line_and_an_overload_one_a_second() -> None:
    now = 0.0
    refusals = Refusals(lambda: now)
    assert [refusals.due("invalid_input") for _ in range(3)] == [1, 1, 1]
    assert [refusals.due("overloaded") for _ in range(100)] == [1] + [None] * 99
    now = 1.0
    assert refusals.due("overloaded") == 100
    assert refusals.due("overloaded") is None
