"""Hundreds of requests at once, and those beside them. The loop is real; a request is a note that it has begun."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import pairwise

import pytest

from jrerank.doors.http import beginnings
from jrerank.doors.http.beginnings import Beginnings, asker_of


async def a_round() -> None:
    await asyncio.sleep(0)


async def test_a_request_alone_begins_at_once() -> None:
    begun: list[str] = []
    Beginnings().join(partial(begun.append, "alone"))
    assert begun == ["alone"]


async def test_of_hundreds_a_few_begin_in_each_round() -> None:
    waiting, begun, rounds = Beginnings(), list[int](), list[int]()
    for number in range(300):
        waiting.join(partial(begun.append, number))
    while len(begun) < 300:
        rounds.append(len(begun))
        await a_round()
    steps = [later - sooner for sooner, later in pairwise(rounds)]
    assert max(steps) <= beginnings._AT_ONCE
    assert sorted(begun) == list(range(300))


async def test_who_has_a_key_does_not_wait_for_three_hundred_probes() -> None:
    waiting, begun = Beginnings(), list[str]()
    for _ in range(300):
        waiting.join(partial(begun.append, "probe"), asker_of("/ready", "10.0.0.1", []))
    waiting.join(
        partial(begun.append, "honest"), asker_of("/v1/rerank", "10.0.0.1", [(b"authorization", b"Bearer k")])
    )
    await a_round()
    assert "honest" in begun


async def test_one_that_fails_costs_the_others_nothing() -> None:
    waiting, done = Beginnings(), asyncio.Event()

    def fail() -> None:
        raise RuntimeError("a fault of ours")

    for _ in range(beginnings._AT_ONCE - 1):
        waiting.join(lambda: None)
    with pytest.raises(RuntimeError):
        waiting.join(fail)
    waiting.join(done.set)
    async with asyncio.timeout(5):
        await done.wait()


async def test_of_pipelined_requests_one_begins_in_a_millisecond_and_others_are_begun_meanwhile() -> None:
    waiting, begun = Beginnings(), list[str]()
    for _ in range(20):
        waiting.join_pipelined(partial(begun.append, "pipelined"))
    assert begun == []
    waiting.join(partial(begun.append, "other"))
    assert begun == ["other"]
    loop = asyncio.get_running_loop()
    started = loop.time()
    while begun.count("pipelined") < 20:
        await a_round()
    assert loop.time() - started >= 19 / beginnings.PIPELINED_A_SECOND


def test_askers_are_told_apart_by_what_they_send_as_their_key() -> None:
    bearers = [[(b"authorization", b"Bearer a")], [(b"authorization", b"Bearer b")]]
    keys: list[list[tuple[bytes, bytes]]] = [*bearers, [(b"x-api-key", b"a")], []]
    assert len({asker_of("/v1/rerank", "10.0.0.1", key) for key in keys}) == 4
    assert asker_of("/ready", "10.0.0.1", keys[0]) == asker_of("/health", "10.0.0.1", [])
    assert asker_of("/ready", "10.0.0.1", []) != asker_of("/ready", "10.0.0.2", [])
