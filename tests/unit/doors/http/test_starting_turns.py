"""Hundreds of requests at once, and those beside them. The loop is real; a request is a note that it has started."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import pairwise
from typing import TypeVar

import pytest
from fastapi.routing import APIRoute

from jrerank.doors.http import starting_turns
from jrerank.doors.http.ops import open_router
from jrerank.doors.http.starting_turns import (
    OPEN_PATHS,
    PIPELINED_A_SECOND,
    Call,
    Start,
    StartingTurns,
    claimed_caller,
)
from jrerank.fairness.caller import HOUSE, current_caller, on_behalf_of

T = TypeVar("T")


def noting(started: list[T], what: T) -> Start:
    def start() -> bool:
        started.append(what)
        return True

    return start


def gone() -> bool:
    """Its client has hung up."""
    return False


async def a_round() -> None:
    await asyncio.sleep(0)


async def test_a_request_alone_begins_at_once() -> None:
    started: list[str] = []
    StartingTurns().join(noting(started, "alone"))
    assert started == ["alone"]


async def test_of_hundreds_a_few_start_in_each_round() -> None:
    waiting, started, rounds = StartingTurns(), list[int](), list[int]()
    for number in range(300):
        waiting.join(noting(started, number))
    while len(started) < 300:
        rounds.append(len(started))
        await a_round()
    steps = [later - sooner for sooner, later in pairwise(rounds)]
    assert max(steps) <= starting_turns._AT_ONCE
    assert sorted(started) == list(range(300))


async def test_who_has_a_key_does_not_wait_for_three_hundred_probes() -> None:
    waiting, started = StartingTurns(), list[str]()
    for _ in range(300):
        waiting.join(noting(started, "probe"), claimed_caller("/ready", "10.0.0.1", []))
    waiting.join(
        noting(started, "honest"),
        claimed_caller("/v1/rerank", "10.0.0.1", [(b"authorization", b"Bearer k")]),
    )
    await a_round()
    assert "honest" in started


async def test_who_asks_for_the_health_does_not_wait_for_three_hundred_who_ask_for_readiness() -> None:
    waiting, started = StartingTurns(), list[str]()
    for _ in range(300):
        waiting.join(noting(started, "ready"), claimed_caller("/ready", "10.0.0.1", []))
    waiting.join(noting(started, "health"), claimed_caller("/health", "10.0.0.1", []))
    await a_round()
    assert "health" in started


async def test_one_that_fails_costs_the_others_nothing() -> None:
    waiting, started = StartingTurns(), list[str]()

    def fail() -> bool:
        raise RuntimeError("a fault of ours")

    for _ in range(starting_turns._AT_ONCE - 1):
        waiting.join(lambda: True)
    with pytest.raises(RuntimeError):
        waiting.join(fail)
    waiting.join(noting(started, "next"))
    await a_round()
    assert started == ["next"]


class Clock:
    """Calls what is due when it is told to."""

    def __init__(self) -> None:
        self.seconds, self._due = 0.0, list[tuple[float, Call]]()

    def call_later(self, seconds: float, call: Call) -> None:
        self._due.append((self.seconds + seconds, call))

    def tick(self) -> None:
        self.seconds, call = self._due.pop(0)
        call()


def test_of_pipelined_requests_one_starts_in_a_millisecond() -> None:
    clock, started = Clock(), list[float]()
    waiting = StartingTurns(clock.call_later)
    for _ in range(3):
        waiting.join_pipelined(lambda: not started.append(clock.seconds))  # type: ignore[func-returns-value]
    assert started == []
    while len(started) < 3:
        clock.tick()
    assert started == pytest.approx([count / PIPELINED_A_SECOND for count in (1, 2, 3)])


async def test_pipelined_ones_start_in_the_name_of_nobody_who_pipelines() -> None:
    callers, waiting, is_over = list[str](), StartingTurns(), asyncio.Event()

    def start() -> bool:
        callers.append(current_caller())
        if len(callers) == 2:
            is_over.set()
        return True

    with on_behalf_of("who pipelined first"):
        for _ in range(2):
            waiting.join_pipelined(start)
    async with asyncio.timeout(5):
        await is_over.wait()
    assert callers == [HOUSE, HOUSE]


async def test_others_do_not_wait_for_pipelined_ones() -> None:
    waiting, started = StartingTurns(Clock().call_later), list[str]()
    waiting.join_pipelined(noting(started, "pipelined"))
    waiting.join(noting(started, "other"))
    assert started == ["other"]


def test_who_pipelines_two_requests_does_not_wait_for_another_who_pipelines_hundreds() -> None:
    clock, started = Clock(), list[str]()
    waiting = StartingTurns(clock.call_later)
    for caller, count in (("many", 300), ("few", 2)):
        for _ in range(count):
            waiting.join_pipelined(noting(started, caller), caller)
    for _ in range(4):
        clock.tick()
    assert started.count("few") == 2


async def test_those_who_have_hung_up_take_nobodys_turn() -> None:
    clock, started = Clock(), list[str]()
    waiting = StartingTurns(clock.call_later)
    for _ in range(3_000):
        waiting.join_pipelined(gone, "attacker")
        waiting.join(gone, "attacker")
    waiting.join_pipelined(noting(started, "pipelined"), "honest")
    waiting.join(noting(started, "other"), "honest")
    for _ in range(2):
        clock.tick()
    assert started == ["other", "pipelined"]


def test_a_pipelined_one_that_fails_costs_the_others_nothing() -> None:
    clock, started = Clock(), list[str]()
    waiting = StartingTurns(clock.call_later)
    waiting.join_pipelined(partial(int, "a fault of ours"))  # type: ignore[arg-type]
    waiting.join_pipelined(noting(started, "next"))
    with pytest.raises(ValueError, match="a fault of ours"):
        clock.tick()
    clock.tick()
    assert started == ["next"]


def test_what_is_open_is_what_the_app_answers_without_a_key() -> None:
    assert {route.path for route in open_router.routes if isinstance(route, APIRoute)} == OPEN_PATHS


def test_callers_are_told_apart_by_what_they_send_as_their_key() -> None:
    bearers = [[(b"authorization", b"Bearer a")], [(b"authorization", b"Bearer b")]]
    keys: list[list[tuple[bytes, bytes]]] = [*bearers, [(b"x-api-key", b"a")], []]
    assert len({claimed_caller("/v1/rerank", "10.0.0.1", key) for key in keys}) == 4
    assert claimed_caller("/ready/", "10.0.0.1", keys[0]) == claimed_caller("/ready", "10.0.0.1", [])
    assert claimed_caller("/ready", "10.0.0.1", []) != claimed_caller("/ready", "10.0.0.2", [])
