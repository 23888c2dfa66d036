"""What an honest caller is said to have noticed of an attack."""

from __future__ import annotations

import pytest

from bench.attacks.prober import Waits


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
