"""What scores mean, counted."""

from __future__ import annotations

import pytest

from jrerank.training.calibration import calibration
from jrerank.training.development import Judged


def judged(right: int | None, size: int = 3) -> Judged:
    return Judged("q", ("t",) * size, (1.0,) * size, right)


def test_medians_and_bins() -> None:
    levels = calibration(
        [judged(0), judged(1), judged(None)], [[4.0, 0.0, -9.0], [-9.0, 4.0, -9.0], [9.0] * 3]
    )
    assert levels is not None
    assert levels.right == pytest.approx(0.982, abs=1e-3)
    assert levels.hardest == pytest.approx(0.25, abs=1e-3)
    assert levels.wrong < 0.001
    assert [(b.low, b.count, b.right_share) for b in levels.bins] == [
        (0.0, 3, 0.0),
        (0.4, 1, 0.0),
        (0.95, 2, 1.0),
    ]


def test_a_score_of_one_is_counted_and_no_lists_give_nothing() -> None:
    levels = calibration([judged(0)], [[800.0, -800.0, 0.0]])
    assert levels is not None
    assert sum(b.count for b in levels.bins) == 3
    assert calibration([judged(None)], [[0.0] * 3]) is None
