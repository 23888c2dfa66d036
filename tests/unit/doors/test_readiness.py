"""Whether requests would be answered."""

from __future__ import annotations

import asyncio

import pytest

from jrerank.doors.readiness import Check, Readiness, State
from jrerank.errors import StoreError
from jrerank.fairness.caller import SIDECAR, current_caller, on_behalf_of


async def answers() -> None:
    """A store that is there."""


async def refuses() -> None:
    raise StoreError("connection to db.internal as reranker failed")


async def is_broken() -> None:
    raise KeyError("dsn")


async def hangs() -> None:
    await asyncio.sleep(60)


class Counted:
    """A store that counts who asks, and answers when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer = asyncio.Event()

    async def check(self) -> None:
        self.asked += 1
        await self.answer.wait()


async def state(healthy: bool = True, **checks: Check) -> State:
    return await Readiness(checks, lambda: healthy, timeout_s=0.05).state()


async def test_it_is_asked_in_nobodys_name() -> None:
    """All who ask meanwhile wait for it, and not for what else is asked in the name of the first."""
    callers = list[str]()

    async def check() -> None:
        callers.append(current_caller())

    with on_behalf_of("who asked first"):
        await state(docs=check)
    assert callers == [SIDECAR]


@pytest.mark.parametrize(
    ("healthy", "check", "serves", "status"),
    [
        (True, answers, True, "ready"),
        (True, refuses, True, "degraded"),
        (False, answers, False, "unavailable"),
        (False, refuses, False, "unavailable"),
    ],
)
async def test_a_store_degrades_and_dead_workers_end_it(
    healthy: bool, check: Check, serves: bool, status: str
) -> None:
    found = await state(healthy, docs=check)
    assert (found.serves, found.status) == (serves, status)


@pytest.mark.parametrize(
    ("check", "told"),
    [(answers, "ok"), (refuses, "not reachable"), (is_broken, "not reachable"), (hangs, "no answer within 0.05 s")],
)  # fmt: skip
async def test_each_store_stands_by_its_name_and_strangers_learn_no_more(check: Check, told: str) -> None:
    assert (await state(docs=check, more=answers)).stores == {"docs": told, "more": "ok"}


async def test_many_probes_are_one_check() -> None:
    store, now = Counted(), 0.0
    readiness = Readiness({"docs": store.check}, lambda: True, clock=lambda: now)
    probes = [asyncio.ensure_future(readiness.state()) for _ in range(5)]
    await asyncio.sleep(0)
    probes[0].cancel()
    await asyncio.sleep(0)
    store.answer.set()
    assert {(await probe).status for probe in probes[1:]} == {"ready"}
    assert store.asked == 1, "who hangs up ends nobody else's check"
    now = 0.9
    await readiness.state()
    assert store.asked == 1, "a result counts for a second"
    now = 1.0
    await readiness.state()
    assert store.asked == 2
