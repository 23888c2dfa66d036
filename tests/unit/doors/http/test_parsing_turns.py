"""Turns of connections at the parser."""

from __future__ import annotations

import asyncio

from jrerank.doors.http.parsing_turns import ParsingTurns


async def test_a_turn_that_fails_costs_the_others_nothing() -> None:
    turns, done, failures = ParsingTurns(), asyncio.Event(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context["exception"]))

    def fail() -> None:
        raise RuntimeError("a fault of ours")

    turns.join(fail)
    turns.join(done.set)
    async with asyncio.timeout(5):
        await done.wait()
    assert [str(failure) for failure in failures] == ["a fault of ours"]
