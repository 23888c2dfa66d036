"""Who hangs up is no longer worked for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from jrerank.errors import Abandoned

T = TypeVar("T")


async def while_there(http: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; it is cancelled when the caller hangs up. The request's body has to have been read.

    Raises:
        Abandoned: the caller has gone; nobody reads this.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(http))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Abandoned
        return await task
    finally:
        task.cancel()
        gone.cancel()
        # The traceback of an error has this frame, and the task the error: the request would wait to be collected
        del task, gone


async def _disconnected(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass
