"""Who hangs up is no longer worked for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request

from jrerank.doors.http.hang_ups import while_there
from jrerank.doors.http.routing import Route
from jrerank.doors.service import Service
from jrerank.errors import Abandoned


class Caller:
    """Hangs up when told to."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.request = Request({"type": "http"}, self._receive)

    async def _receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def test_what_was_asked_is_answered() -> None:
    assert await while_there(Caller().request, asyncio.sleep(0, "done")) == "done"


async def test_watching_takes_no_round_of_the_event_loop() -> None:
    """A round takes long where others send much."""
    rounds = 0

    async def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    counter = asyncio.create_task(count())
    await asyncio.sleep(0)
    before = rounds
    assert await while_there(Caller().request, work()) == "done"
    assert rounds - before == 1, "that of the work itself"
    counter.cancel()


async def test_an_error_is_passed_on() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await while_there(Caller().request, fail())


async def test_who_hangs_up_ends_the_work() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    caller = Caller()
    asyncio.get_running_loop().call_later(0.01, caller.gone.set)
    with pytest.raises(Abandoned):
        await while_there(caller.request, work())
    await asyncio.wait_for(ended.wait(), 5)


async def test_whoever_waits_for_this_may_end_it_too() -> None:
    """A shutdown, or a timeout around it: that is no hang-up, even where both come together."""
    for hangs_up in (False, True):
        caller = Caller()
        waiting = asyncio.create_task(while_there(caller.request, asyncio.sleep(60)))
        await asyncio.sleep(0)
        if hangs_up:
            caller.gone.set()
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_who_has_been_left_goes_on() -> None:
    """What comes after it, such as the answer that nobody reads, is not cancelled."""
    caller = Caller()

    async def ask() -> int:
        caller.gone.set()
        with pytest.raises(Abandoned):
            await while_there(caller.request, asyncio.sleep(60))
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert await asyncio.create_task(ask()) == 0


async def test_who_hangs_up_in_the_round_of_the_result_cancels_nothing_after_it() -> None:
    """The answer is there: that nobody reads it, its writing finds out, or whoever watches next."""
    caller, result = Caller(), asyncio.get_running_loop().create_future()

    async def work() -> str:
        return str(await result)

    async def ask() -> str:
        answer = await while_there(caller.request, work())
        await asyncio.sleep(0.01)
        return answer

    asking = asyncio.create_task(ask())
    for _ in range(2):
        await asyncio.sleep(0)
    caller.gone.set()
    result.set_result("done")
    assert await asking == "done"


async def test_every_route_watches_its_caller(service: Service) -> None:
    """Whatever a handler waits for, an answer's turn included, it is not waited for when nobody is there."""
    router, begun, ended, sent = APIRouter(route_class=Route), asyncio.Event(), asyncio.Event(), []

    @router.get("/slow")
    async def slow() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    app = FastAPI()
    app.state.service = service
    app.include_router(router)
    messages = [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        if len(messages) == 1:
            await begun.wait()
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost")]
    scope = {"type": "http", "method": "GET", "path": "/slow", "query_string": b"", "headers": headers}
    await app(scope, receive, send)
    assert sent[0]["status"] == 499
    await asyncio.wait_for(ended.wait(), 5)
    assert service.metrics.requests.labels(Route.door, "abandoned")._value.get() == 1
