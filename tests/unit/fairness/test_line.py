"""Callers in a line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jrerank.fairness.line import FairLine


def test_so_it_is_among_many_callers_of_one_request_each() -> None:
    """200 who each ask again in turn: but for the newest's turns, everybody would have waited for 199 others."""
    line: FairLine[int] = FairLine()
    for caller in range(200):
        line.join(0, str(caller))
    waits = []
    for turn in range(1, 2_001):
        waits.append(turn - line.take())
        line.join(turn, f"new {turn}")
    assert waits[7::8] == [1] * 250
    assert min(wait for turn, wait in enumerate(waits[400:]) if turn % 8 != 7) > 150


@given(steps=st.lists(st.sampled_from(["a", "b", "c", None])))
def test_each_has_one_turn_and_a_callers_are_in_order_but_for_the_newest(steps: list[str | None]) -> None:
    line, waiting, turns = FairLine[tuple[str, int]](), list[tuple[str, int]](), 0
    for number, caller in enumerate([*steps, *[None] * len(steps)]):
        if caller is not None:
            line.join((caller, number), caller)
            waiting.append((caller, number))
        elif waiting:
            turns += 1
            taken = line.take()
            assert taken == (
                waiting[-1] if turns % 8 == 0 else next(one for one in waiting if one[0] == taken[0])
            )
            waiting.remove(taken)
        assert len(line) == len(waiting)
