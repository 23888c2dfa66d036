"""Percentiles of many waits and of few."""

from __future__ import annotations

from bench.percentile import percentile


def test_of_few_the_slowest_stands_for_the_hundredth() -> None:
    assert percentile([], 99) == 0.0
    assert percentile([5.0], 99) == 5.0
    assert percentile([1.0] * 98 + [900.0], 99) == 900.0
    assert percentile([1.0] * 199 + [900.0], 99) == 1.0
