"""Work beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
import weakref

import pytest

from held_work import held
from jrerank.fairness.caller import HOUSE, current_caller, on_behalf_of
from jrerank.large_work import LargeWork


async def test_large_work_leaves_the_event_loop_alone_and_small_work_does_not_hop() -> None:
    large, here = LargeWork(), threading.get_ident()
    assert await large.run_if(False, threading.get_ident) == here
    first, second = await asyncio.gather(large.run(threading.get_ident), large.run(threading.get_ident))
    assert here not in {first, second}


async def test_of_a_caller_one_piece_is_worked_on_at_a_time() -> None:
    large, running, most = LargeWork(), 0, 0

    def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.001)
        running -= 1

    await asyncio.gather(*(large.run(work) for _ in range(20)))
    assert most == 1


async def test_who_has_a_little_to_do_does_not_wait_for_all_that_another_caller_has_sent() -> None:
    large = LargeWork()
    go_on = await held(large, "many")
    with on_behalf_of("many"):
        many = [asyncio.create_task(large.run(time.sleep, 0)) for _ in range(5)]
    with on_behalf_of("few"):
        assert await large.run(threading.get_ident) != threading.get_ident()
    assert not any(one.done() for one in many)
    go_on.set()
    await asyncio.gather(*many)


async def test_where_all_threads_are_at_work_callers_have_turns_in_turn() -> None:
    large = LargeWork()
    seen: list[str] = []
    first, second = await held(large, "first"), await held(large, "second")
    tasks = []
    for caller, names in (("many", "abc"), ("few", "x")):
        with on_behalf_of(caller):
            tasks += [asyncio.create_task(large.run(seen.append, name)) for name in names]
    await asyncio.sleep(0)
    first.set()
    await asyncio.gather(*tasks)
    second.set()
    assert seen == ["a", "x", "b", "c"]


async def test_nothing_is_left_of_who_waits_no_longer() -> None:
    large = LargeWork()
    with on_behalf_of("somebody"):
        await large.run(threading.get_ident)
    await asyncio.to_thread(large._threads.shutdown)
    assert not large._lines
    assert not large._turns


async def test_what_it_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await LargeWork().run(divmod, 1, 0)


async def test_answers_go_first_and_who_is_cancelled_takes_no_time() -> None:
    large = LargeWork()
    seen: list[str] = []
    go_on = await held(large)
    new = [asyncio.create_task(large.run(seen.append, name)) for name in "abc"]
    answer = asyncio.create_task(large.answer_if(True, seen.append, "answer"))
    await asyncio.sleep(0)
    new[1].cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*new, answer, return_exceptions=True)
    assert seen == ["answer", "a", "c"]
    assert await large.answer_if(False, threading.get_ident) == threading.get_ident()


async def test_work_that_has_not_begun_in_time_never_does_and_holds_nothing() -> None:
    large, body = LargeWork(), bytearray(1)
    seen: list[bytearray] = []
    go_on = await held(large)
    with pytest.raises(TimeoutError):
        await large.begin_by(time.monotonic() + 0.01, seen.append, body)
    (waiting,) = large._lines[""].new
    assert waiting.work is None
    go_on.set()
    assert await large.begin_by(time.monotonic() + 60, len, body) == 1
    assert not seen


async def test_work_that_has_begun_in_time_may_take_longer() -> None:
    large, begun, go_on = LargeWork(), threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        return go_on.wait(10)

    deadline = time.monotonic() + 0.5
    working = asyncio.create_task(large.begin_by(deadline, work))
    assert await asyncio.to_thread(begun.wait, 10)
    await asyncio.sleep(deadline - time.monotonic() + 0.01)
    go_on.set()
    assert await working


async def test_an_error_holds_what_was_worked_on_no_longer_than_it_is_there() -> None:
    class Body:
        pass

    def work(body: Body) -> None:
        raise ValueError("not JSON")

    large = LargeWork()
    gc.collect()
    gc.disable()
    try:
        body = Body()
        held_by = weakref.ref(body)
        with contextlib.suppress(ValueError):
            await large.begin_by(time.monotonic() + 60, work, body)
        del body
        await large.run(lambda: None)
        assert held_by() is None
    finally:
        gc.enable()


async def test_what_fails_once_nobody_waits_for_it_is_no_error_of_ours() -> None:
    large, errors = LargeWork(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    begun, go_on = threading.Event(), threading.Event()

    def fail() -> None:
        begun.set()
        go_on.wait(10)
        raise ValueError("the caller has gone")

    waiting = asyncio.create_task(large.begin_by(time.monotonic() + 30, fail))
    await asyncio.to_thread(begun.wait, 10)
    waiting.cancel()
    await asyncio.wait([waiting])
    go_on.set()
    await large.run(lambda: None)
    del waiting
    gc.collect()
    await asyncio.sleep(0)
    assert not errors


async def test_whoever_it_is_done_for_the_event_loop_hears_of_it_at_once() -> None:
    with on_behalf_of("caller"):
        assert await LargeWork().run(current_caller) == HOUSE
