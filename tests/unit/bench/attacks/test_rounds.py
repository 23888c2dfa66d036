"""Which attacks a sidecar with keys is given, and which one without."""

from __future__ import annotations

from bench.attacks.__main__ import ALL, rounds
from bench.attacks.attacks import ALL_AT_ONCE, ATTACKS, number_of


def test_every_attack_is_in_one_of_the_two_lists() -> None:
    with_keys, without_keys = rounds([*map(number_of, ATTACKS), ALL])
    assert without_keys == [("11 other hosts", ["11"])]
    assert with_keys[-1] == ("eight at once", ALL_AT_ONCE)
    assert {name for name, _ in with_keys[:-1]} == ATTACKS.keys() - {"11 other hosts"}


def test_only_those_that_are_chosen_are_made() -> None:
    assert rounds(["1"]) == ([("1 many headers", ["1"])], [])
    assert rounds(["11"]) == ([], [("11 other hosts", ["11"])])
    assert rounds([ALL]) == ([("eight at once", ALL_AT_ONCE)], [])
