"""What an honest caller is said to have noticed of an attack."""

from __future__ import annotations

import pytest

from bench.attacks.prober import Waits
from bench.callers import percentile


def test_who_was_answered_soon_and_often_has_noticed_nothing() -> None:
    assert Waits([3.0] * 240).faults(8.0) == []


@pytest.mark.parametrize(
    ("waits", "fault"),
    [
        (Waits([]), "answered 0 times in 8 s"),
        (Waits([8_000.0]), "max 8000 ms"),
        (Waits([3.0, 7_000.0]), "p99 7000 ms"),
        (Waits([3.0] * 20), "answered 20 times in 8 s"),
        (Waits([3.0] * 999 + [2_000.0]), "max 2000 ms"),
        (Waits([3.0] * 100 + [150.0] * 5), "p99 150 ms"),
        (Waits([3.0] * 240, ["500 None b''"]), "failed: 500 None b''"),
    ],
)
def test_what_is_noticed(waits: Waits, fault: str) -> None:
    assert fault in waits.faults(8.0)


def test_of_few_the_slowest_stands_for_the_hundredth() -> None:
    assert percentile([], 99) == 0.0
    assert percentile([5.0], 99) == 5.0
    assert percentile([1.0] * 98 + [900.0], 99) == 900.0
    assert percentile([1.0] * 199 + [900.0], 99) == 1.0
