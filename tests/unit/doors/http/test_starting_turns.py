"""Hundreds of requests at once, and those beside them. The loop is real; a request is a note that it has started."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import pairwise

import pytest

from jrerank.doors.http import starting_turns
from jrerank.doors.http.starting_turns import PIPELINED_A_SECOND, Start, StartingTurns, claimed_caller


async def a_round() -> None:
    await asyncio.sleep(0)


async def test_a_request_alone_begins_at_once() -> None:
    started: list[str] = []
    StartingTurns().join(partial(started.append, "alone"))
    assert started == ["alone"]


async def test_of_hundreds_a_few_start_in_each_round() -> None:
    waiting, started, rounds = StartingTurns(), list[int](), list[int]()
    for number in range(300):
        waiting.join(partial(started.append, number))
    while len(started) < 300:
        rounds.append(len(started))
        await a_round()
    steps = [later - sooner for sooner, later in pairwise(rounds)]
    assert max(steps) <= starting_turns._AT_ONCE
    assert sorted(started) == list(range(300))


async def test_who_has_a_key_does_not_wait_for_three_hundred_probes() -> None:
    waiting, started = StartingTurns(), list[str]()
    for _ in range(300):
        waiting.join(partial(started.append, "probe"), claimed_caller("/ready", "10.0.0.1", []))
    waiting.join(
        partial(started.append, "honest"),
        claimed_caller("/v1/rerank", "10.0.0.1", [(b"authorization", b"Bearer k")]),
    )
    await a_round()
    assert "honest" in started


async def test_one_that_fails_costs_the_others_nothing() -> None:
    waiting, done = StartingTurns(), asyncio.Event()

    def fail() -> None:
        raise RuntimeError("a fault of ours")

    for _ in range(starting_turns._AT_ONCE - 1):
        waiting.join(lambda: None)
    with pytest.raises(RuntimeError):
        waiting.join(fail)
    waiting.join(done.set)
    async with asyncio.timeout(5):
        await done.wait()


class Clock:
    """Calls what is due when it is told to."""

    def __init__(self) -> None:
        self.seconds, self._due = 0.0, list[tuple[float, Start]]()

    def call_later(self, seconds: float, call: Start) -> None:
        self._due.append((self.seconds + seconds, call))

    def tick(self) -> None:
        self.seconds, call = self._due.pop(0)
        call()


def test_of_pipelined_requests_one_starts_in_a_millisecond() -> None:
    clock, started = Clock(), list[float]()
    waiting = StartingTurns(clock.call_later)
    for _ in range(3):
        waiting.join_pipelined(lambda: started.append(clock.seconds))
    assert started == []
    while len(started) < 3:
        clock.tick()
    assert started == pytest.approx([count / PIPELINED_A_SECOND for count in (1, 2, 3)])


async def test_others_do_not_wait_for_pipelined_ones() -> None:
    waiting, started = StartingTurns(Clock().call_later), list[str]()
    waiting.join_pipelined(partial(started.append, "pipelined"))
    waiting.join(partial(started.append, "other"))
    assert started == ["other"]


def test_who_pipelines_two_requests_does_not_wait_for_another_who_pipelines_hundreds() -> None:
    clock, started = Clock(), list[str]()
    waiting = StartingTurns(clock.call_later)
    for caller, count in (("many", 300), ("few", 2)):
        for _ in range(count):
            waiting.join_pipelined(partial(started.append, caller), caller)
    for _ in range(4):
        clock.tick()
    assert started.count("few") == 2


def test_a_pipelined_one_that_fails_costs_the_others_nothing() -> None:
    clock, started = Clock(), list[str]()
    waiting = StartingTurns(clock.call_later)
    waiting.join_pipelined(partial(int, "a fault of ours"))  # type: ignore[arg-type]
    waiting.join_pipelined(partial(started.append, "next"))
    with pytest.raises(ValueError, match="a fault of ours"):
        clock.tick()
    clock.tick()
    assert started == ["next"]


def test_callers_are_told_apart_by_what_they_send_as_their_key() -> None:
    bearers = [[(b"authorization", b"Bearer a")], [(b"authorization", b"Bearer b")]]
    keys: list[list[tuple[bytes, bytes]]] = [*bearers, [(b"x-api-key", b"a")], []]
    assert len({claimed_caller("/v1/rerank", "10.0.0.1", key) for key in keys}) == 4
    assert claimed_caller("/ready", "10.0.0.1", keys[0]) == claimed_caller("/health", "10.0.0.1", [])
    assert claimed_caller("/ready", "10.0.0.1", []) != claimed_caller("/ready", "10.0.0.2", [])
