"""Places that callers share."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.fairness.caller import current_caller, on_behalf_of
from jrerank.fairness.places import Places


async def test_who_asks_for_one_does_not_wait_for_all_that_another_caller_asks_for() -> None:
    places, seen = Places(2), list[str]()

    async def work(name: str) -> None:
        async with places.one(10):
            await asyncio.sleep(0)
            seen.append(name)

    tasks = []
    for caller, names in (("many", "abcdef"), ("few", "x")):
        with on_behalf_of(caller):
            tasks += [asyncio.create_task(work(name)) for name in names]
    await asyncio.gather(*tasks)
    assert seen.index("x") <= 3, "behind the two that had places, and one turn"


async def test_a_place_that_comes_as_its_caller_leaves_goes_to_the_next() -> None:
    places = Places(1)

    async def take() -> str:
        async with places.one(10):
            return "taken"

    async with places.one(10):
        leaving, staying = asyncio.create_task(take()), asyncio.create_task(take())
        await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await asyncio.wait_for(staying, 5) == "taken"


async def test_who_gets_none_in_time_is_told_so_and_takes_none_later() -> None:
    places = Places(1)
    async with places.one(10) as left_s:
        assert 0 < left_s <= 10
        with pytest.raises(TimeoutError):
            async with places.one(0.01):
                pass
    async with places.one(1):
        pass


@given(count=st.integers(1, 4), seed=st.integers(0, 1_000))
def test_never_more_at_once_and_none_is_lost_whoever_is_cancelled(count: int, seed: int) -> None:
    draw = random.Random(seed)

    async def run() -> None:
        places, held, most = Places(count), 0, 0

        async def work() -> None:
            nonlocal held, most
            async with places.one(10):
                held += 1
                most = max(most, held)
                try:
                    for _ in range(draw.randrange(3)):
                        await asyncio.sleep(0)
                finally:
                    held -= 1

        tasks = []
        for _ in range(20):
            with on_behalf_of(draw.choice("abc")):
                tasks.append(asyncio.create_task(work()))
        for task in draw.sample(tasks, 6):
            for _ in range(draw.randrange(3)):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert most <= count
        async with asyncio.timeout(5):
            for place in [places.one(10) for _ in range(count)]:
                await place.__aenter__()

    asyncio.run(run())


def test_nobody_in_particular_asks_where_nobody_is_named() -> None:
    assert current_caller() == ""
    with on_behalf_of("somebody"):
        assert current_caller() == "somebody"
    assert current_caller() == ""
