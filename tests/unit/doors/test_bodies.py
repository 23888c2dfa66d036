"""The memory that all open bodies share."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.bodies import OpenBodies
from jrerank.errors import InputTooLong, Overloaded
from jrerank.fairness.caller import on_behalf_of


def test_more_than_one_caller_may_hold_is_too_long_for_ever() -> None:
    with OpenBodies(1000).share() as share, pytest.raises(InputTooLong, match="800 bytes"):
        share.take_text(801)


def test_more_than_others_leave_is_for_now() -> None:
    bodies = OpenBodies(1000)
    with bodies.share() as first:
        first.take_text(600)
        with (
            bodies.share() as second,
            pytest.raises(Overloaded, match="600 bytes already, yours 600 of them"),
        ):
            second.take_text(201)
    with bodies.share() as third:
        third.take_text(800)


def test_each_caller_leaves_something_to_the_next() -> None:
    bodies, held = OpenBodies(100_000), []
    with ExitStack() as stack:
        for caller in "abc":
            with on_behalf_of(caller):
                shares = [stack.enter_context(bodies.share()) for _ in range(2)]
            size = bodies.most_bytes(caller)
            shares[0].take_text(size)
            with pytest.raises(Overloaded):
                shares[1].take_text(1)
            held.append(size)
    assert held == [80_000, 16_000, 3_200]
    assert bodies.used_bytes == bodies.used_by("a") == 0


def test_what_is_held_without_asking_shuts_nobody_out() -> None:
    """Answers that nobody reads come on top of the requests."""
    bodies = OpenBodies(64_000)
    with bodies.share() as unread, on_behalf_of("somebody else"), bodies.share() as share:
        unread.hold(100_000)
        share.take_text(1_000)
        with pytest.raises(Overloaded):
            share.take_text(1)


def test_what_a_value_takes_counts_before_it_is_parsed() -> None:
    with OpenBodies(10_000).share() as share:
        share.take_values(b'["a", "b", "c"]')
        assert share.used_bytes >= 200
        with pytest.raises(InputTooLong):
            share.take_values(b"{}," * 100)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 400), max_size=4)), max_size=6))
def test_no_more_is_ever_held_and_all_is_given_back(requests: list[tuple[str, list[int]]]) -> None:
    bodies = OpenBodies(1000)
    with ExitStack() as stack:
        held = Counter[str]()
        for caller, sizes in requests:
            with on_behalf_of(caller):
                share = stack.enter_context(bodies.share())
            for size in sizes:
                room = max(16, round((1000 - held.total() + held[caller]) * 0.8))
                try:
                    share.take_text(size)
                except (Overloaded, InputTooLong):
                    assert held[caller] + size > room
                else:
                    held[caller] += size
            assert held.total() <= 1000 + 3 * 16
    with bodies.share() as everything:
        everything.take_text(800)
