"""What fails a round of attacks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.attacks.__main__ import Verdict
from bench.attacks.prober import Waits


def faults(ended: Sequence[int | None]) -> list[str]:
    well = Waits([3.0] * 240)
    return Verdict("1 attack", 8.0, well, well, 100, 100, ended).faults(100)


@pytest.mark.parametrize("ended", [[0], [None], [None, 0]])
def test_an_attacker_who_attacked_to_the_end_passes(ended: Sequence[int | None]) -> None:
    assert faults(ended) == []


def test_an_attacker_who_hit_nothing_does_not() -> None:
    assert faults([0, 1]) == ["1 attack: an attacker ended with an error: it hit nothing"]
