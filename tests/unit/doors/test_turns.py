"""One request at a time on the event loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise

from jrerank.doors.turns import Turns


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
