"""A thread of large work that a test holds in its hand."""

from __future__ import annotations

import asyncio
import threading

from jrerank.large_work import LargeWork


async def held(large: LargeWork) -> threading.Event:
    """Let the thread be at work until the event is set."""
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go_on.wait(10)

    asyncio.ensure_future(large.run(wait))  # noqa: RUF006  it ends when it is told to
    assert await asyncio.to_thread(begun.wait, 10)
    return go_on
