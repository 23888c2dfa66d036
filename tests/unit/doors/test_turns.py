"""One request at a time on the event loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.turns import FairLine, Turns


async def test_between_two_requests_the_loop_looks_at_everything_else() -> None:
    turns, seen = Turns(), []

    async def work(name: str) -> None:
        await turns.new()
        seen.append(name)

    async def other() -> None:
        for _ in range(6):
            seen.append("-")
            await asyncio.sleep(0)

    await asyncio.gather(*(work(name) for name in "abc"), other())
    assert [name for name in seen if name != "-"] == ["a", "b", "c"]
    assert all(first == "-" or second == "-" for first, second in pairwise(seen))


async def test_who_comes_when_nobody_waits_has_a_turn_in_the_same_round() -> None:
    turns, seen = Turns(), []

    async def work() -> None:
        await turns.new()
        seen.append("new")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await turns.answer()
        seen.append("answer")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    assert seen == ["new"]
    await task
    assert seen == ["new", "answer"]


async def test_every_eighth_turn_is_the_newest_ones() -> None:
    turns, seen = Turns(), []

    async def work(number: int) -> None:
        await turns.new()
        seen.append(number)

    await asyncio.gather(*map(work, range(20)))
    assert seen == [*range(7), 19, *range(7, 14), 18, *range(14, 18)]


async def test_who_asks_one_thing_does_not_wait_for_all_that_another_asks_at_once() -> None:
    turns, seen = Turns(), []

    async def work(caller: str, number: int) -> None:
        await turns.new(caller=caller)
        seen.append(f"{caller}{number}")

    await asyncio.gather(*(work("a", number) for number in range(5)), work("b", 0), work("c", 0))
    assert seen == ["a0", "b0", "c0", "a1", "a2", "a3", "a4"]


async def test_nor_does_its_answer_wait_for_all_answers_to_another() -> None:
    turns, seen = Turns(), []

    async def work(caller: str, number: int) -> None:
        await turns.answer(caller)
        seen.append(f"{caller}{number}")

    await asyncio.gather(*(work("a", number) for number in range(5)), work("b", 0))
    assert seen == ["a0", "b0", "a1", "a2", "a3", "a4"]


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


async def test_answers_go_first_and_who_has_left_takes_no_turn() -> None:
    turns, seen = Turns(), []

    async def work(name: str) -> None:
        await (turns.answer() if name.isupper() else turns.new())
        seen.append(name)

    tasks = [asyncio.create_task(work(name)) for name in "0abcAB"]  # the first does not have to wait
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert seen == ["0", "A", "B", "a", "c"]
    await asyncio.wait_for(work("later"), 5)


async def test_who_has_hung_up_keeps_nobody_waiting() -> None:
    turns, rounds, told = Turns(), 0, []

    async def leave() -> None:
        await turns.new(lambda: True)
        told.append(rounds)

    leavers = [asyncio.create_task(leave()) for _ in range(200)]
    await asyncio.sleep(0)
    mine = asyncio.create_task(turns.new())
    while not (mine.done() and all(leaver.done() for leaver in leavers)):
        rounds += 1
        await asyncio.sleep(0)
    assert rounds < 20
    assert max(Counter(told).values()) < 30, "nor does letting them go take long"
