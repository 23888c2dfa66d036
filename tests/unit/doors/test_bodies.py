"""The memory that all open bodies share."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.bodies import KEPT_FOR_SMALL, SMALL_BYTES, OpenBodies
from jrerank.errors import InputTooLong, Overloaded


def test_more_than_all_may_hold_is_too_long_for_ever() -> None:
    with OpenBodies(1000).share() as share, pytest.raises(InputTooLong, match="1000 bytes"):
        share.take_text(1001)


def test_more_than_others_leave_is_for_now() -> None:
    bodies = OpenBodies(1000)
    with bodies.share() as first:
        first.take_text(600)
        with bodies.share() as second, pytest.raises(Overloaded, match="600 bytes already"):
            second.take_text(500)
    with bodies.share() as third:
        third.take_text(1000)


def test_small_requests_have_room_whatever_large_ones_hold() -> None:
    bodies = OpenBodies(16 * SMALL_BYTES)
    kept = 16 * SMALL_BYTES // KEPT_FOR_SMALL
    with ExitStack() as stack:
        stack.enter_context(bodies.share()).take_text(16 * SMALL_BYTES - kept)
        with pytest.raises(Overloaded):
            stack.enter_context(bodies.share()).take_text(SMALL_BYTES + 1)
        for _ in range(kept // SMALL_BYTES):
            stack.enter_context(bodies.share()).take_text(SMALL_BYTES)
        with pytest.raises(Overloaded):
            stack.enter_context(bodies.share()).take_text(1)


def test_a_request_that_grows_large_gets_no_more_of_what_is_kept_for_small_ones() -> None:
    bodies = OpenBodies(2 * SMALL_BYTES)
    with bodies.share() as share:
        share.take_text(SMALL_BYTES)
        with pytest.raises(InputTooLong, match=str(2 * SMALL_BYTES - 2 * SMALL_BYTES // KEPT_FOR_SMALL)):
            share.take_text(SMALL_BYTES)


def test_what_a_value_takes_counts_before_it_is_parsed() -> None:
    with OpenBodies(10_000).share() as share:
        share.take_values(b'["a", "b", "c"]')
        assert share.used_bytes >= 200
        with pytest.raises(InputTooLong):
            share.take_values(b"{}," * 100)


@given(st.lists(st.lists(st.integers(0, 400), max_size=4), max_size=6))
def test_no_more_is_ever_held_and_all_is_given_back(requests: list[list[int]]) -> None:
    bodies = OpenBodies(1000)
    with ExitStack() as stack:
        held = 0
        for sizes in requests:
            share = stack.enter_context(bodies.share())
            for size in sizes:
                try:
                    share.take_text(size)
                except (Overloaded, InputTooLong):
                    assert held + size > 1000
                else:
                    held += size
            assert held <= 1000
    with bodies.share() as everything:
        everything.take_text(1000)
