"""Work beside the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from jrerank.large_work import LargeWork


async def test_large_work_leaves_the_event_loop_alone_and_small_work_does_not_hop() -> None:
    large, here = LargeWork(), threading.get_ident()
    assert await large.run_if(False, threading.get_ident) == here
    first, second = await asyncio.gather(large.run(threading.get_ident), large.run(threading.get_ident))
    assert first == second != here, "one piece of work at a time"


async def test_what_it_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await LargeWork().run(divmod, 1, 0)
