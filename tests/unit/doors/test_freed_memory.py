"""When memory that was freed goes back to the system."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from jrerank.doors import freed_memory
from jrerank.doors.bodies import OpenBodies
from jrerank.doors.freed_memory import GROWN_BYTES, LARGE_BYTES, FreedMemory, keep_returning


def test_it_goes_back_once_after_large_bodies_and_not_among_them() -> None:
    bodies = OpenBodies(10 * LARGE_BYTES)
    freed = FreedMemory(bodies, lambda: 0)
    for _ in range(3):
        with bodies.share() as share:
            share.take_text(LARGE_BYTES)
        assert not freed.is_due(), "another one may come"
    assert freed.is_due()
    assert not freed.is_due(), "nothing has been freed since"


def test_whether_bodies_were_large_is_known_until_it_has_gone_back() -> None:
    bodies = OpenBodies(10 * LARGE_BYTES)
    freed = FreedMemory(bodies, lambda: 0)
    with bodies.share() as share:
        share.take_text(LARGE_BYTES)
    assert [freed.is_due() for _ in range(2)] == [False, True]
    assert freed.is_after_large
    freed.given_back()
    assert not freed.is_after_large


def test_a_body_that_is_still_open_is_not_free() -> None:
    bodies = OpenBodies(10 * LARGE_BYTES)
    freed = FreedMemory(bodies, lambda: 0)
    with bodies.share() as share:
        share.take_text(LARGE_BYTES)
        assert [freed.is_due() for _ in range(3)] == [False] * 3
    assert [freed.is_due() for _ in range(3)] == [False, True, False]


def test_small_bodies_leave_nothing_behind_that_is_worth_it() -> None:
    bodies = OpenBodies(10 * LARGE_BYTES)
    freed = FreedMemory(bodies, lambda: 0)
    for _ in range(5):
        with bodies.share() as share:
            share.take_text(LARGE_BYTES - 1)
        assert not freed.is_due()


def test_thousands_of_small_ones_are_seen_by_what_the_process_holds() -> None:
    resident = 100
    freed = FreedMemory(OpenBodies(1), lambda: resident)
    assert [freed.is_due() for _ in range(3)] == [False] * 3
    resident += GROWN_BYTES
    assert [freed.is_due() for _ in range(2)] == [False, True]
    assert not freed.is_after_large
    resident -= 1_000
    freed.given_back()
    assert [freed.is_due() for _ in range(3)] == [False] * 3, "it is in use"


async def test_what_fails_once_is_logged_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freed_memory, "_EVERY_S", 0.0)
    monkeypatch.setattr(FreedMemory, "is_due", lambda _: True)
    returned, tries = asyncio.Event(), []

    async def give_back(_: bool) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("no such function")
        returned.set()

    with capture_logs() as logs:
        returning = asyncio.create_task(keep_returning(OpenBodies(LARGE_BYTES), lambda: 0, give_back))
        await asyncio.wait_for(returned.wait(), 5)
    returning.cancel()
    assert [line["event"] for line in logs] == ["memory_not_returned"]
