"""Threads of large work that a test holds in its hand."""

from __future__ import annotations

import asyncio
import threading

from jrerank.fairness.caller import on_behalf_of
from jrerank.large_work import LargeWork

OTHERS = ("one other", "another")


async def held(large: LargeWork, *callers: str) -> threading.Event:
    """Let a thread be at the work of each caller until the event is set; by default all threads, for others than who asks then."""
    go_on = threading.Event()
    for caller in callers or OTHERS:
        begun = threading.Event()
        with on_behalf_of(caller):
            asyncio.ensure_future(large.run(_wait, begun, go_on))  # noqa: RUF006  it ends when it is told to
        assert await asyncio.to_thread(begun.wait, 10)
    return go_on


def _wait(begun: threading.Event, go_on: threading.Event) -> None:
    begun.set()
    go_on.wait(10)
