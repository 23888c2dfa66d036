"""Sends each request when it is due. A request that is sent late counts from when it was due: nothing is left out by waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from jrerank.bench.load.record import Answer, Record
from jrerank.bench.load.requests import LoadRequest
from jrerank.bench.load.targets import Target

_PAUSE_S = 0.1
_REFUSALS_THAT_TELL = 10
# A target that hangs must not hang the run: what takes so much longer than its deadline is an error
_GIVEN_UP_AFTER_S = 30.0

Tick = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a target does in a second: pairs that it scores, and requests that it serves."""

    pairs: float
    requests: float


async def open_loop(
    target: Target,
    times: Sequence[float],
    requests: Iterable[LoadRequest],
    deadline_s: float,
    tick: Tick = lambda _: None,
    given_up_after_s: float = _GIVEN_UP_AFTER_S,
) -> Record:
    """Each at its time, all of them, and wait for every answer, but no longer than `given_up_after_s` past its deadline.

    `tick` is told the seconds gone by.
    """
    record, started = Record(), time.perf_counter()
    open_requests: set[asyncio.Task[None]] = set()

    async def one(request: LoadRequest, due: float) -> None:
        sent = time.perf_counter() - started
        answer = await answered(target, request, deadline_s + given_up_after_s)
        record.add(due, sent, time.perf_counter() - started, answer, request.caller, deadline_s)

    for due, request in zip(times, requests, strict=False):
        await asyncio.sleep(max(0.0, due - (time.perf_counter() - started)))
        task = asyncio.create_task(one(request, due))
        open_requests.add(task)
        task.add_done_callback(open_requests.discard)
        tick(due)
    await asyncio.gather(*open_requests)
    return record


async def answered(target: Target, request: LoadRequest, within_s: float) -> Answer:
    """What became of a request; an error where there is no answer in that time."""
    try:
        async with asyncio.timeout(within_s):
            return await target.send(request)
    except TimeoutError:
        return Answer("error", 0, f"no answer within {within_s:.0f} s")


async def why_unanswered(
    target: Target,
    requests: Iterable[LoadRequest],
    deadline_s: float,
    given_up_after_s: float = _GIVEN_UP_AFTER_S,
) -> str | None:
    """Why not even a request on its own is answered; None if one is.

    One that fails tells. Of refusals ten in a row do: one alone may be of a request that is too large for its deadline.
    """
    for request, _ in zip(requests, range(_REFUSALS_THAT_TELL), strict=False):
        answer = await answered(target, request, deadline_s + given_up_after_s)
        if answer.outcome == "error":
            return f"a single request failed: {answer.detail}"
        if answer.outcome != "refused":
            return None
        await asyncio.sleep(_PAUSE_S)
    return f"{_REFUSALS_THAT_TELL} requests were refused, one after the other"


async def closed_loop(
    target: Target,
    clients: int,
    seconds: float,
    requests: Iterable[LoadRequest],
    deadline_s: float,
    given_up_after_s: float = _GIVEN_UP_AFTER_S,
) -> Capacity:
    """What so many clients get when each asks again as soon as it has its answer.

    Each of their requests is given up as `open_loop` does.
    """
    started, source = time.perf_counter(), iter(requests)
    served: list[Answer] = []

    async def client() -> None:
        while time.perf_counter() - started < seconds:
            answer = await answered(target, next(source), deadline_s + given_up_after_s)
            if answer.served:
                served.append(answer)
            else:  # refused: asking again at once would only take the machine's time
                await asyncio.sleep(_PAUSE_S)

    await asyncio.gather(*(client() for _ in range(clients)))
    passed_s = time.perf_counter() - started
    return Capacity(sum(one.pairs for one in served) / passed_s, len(served) / passed_s)
