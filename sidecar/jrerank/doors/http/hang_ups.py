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

    The work is done in the task that calls this. In a task of its own it would begin a round of the event loop later, and its
    result would come two rounds later; and a round is long where others send much.

    Raises:
        Abandoned: the caller has gone; nobody reads this.
    """
    watch = _Watch(asyncio.ensure_future(_disconnected(http)))
    try:
        return await work
    except asyncio.CancelledError:
        if watch.has_cancelled and watch.is_the_only_reason():
            raise Abandoned from None
        raise
    finally:
        watch.end()
        del watch, work  # an error's traceback has this frame: the request would wait to be collected


class _Watch:
    """Cancels the task that makes it when the caller is gone."""

    def __init__(self, gone: asyncio.Task[None]) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  this is called in a coroutine
        self._task = task
        self._cancelled_before = task.cancelling()
        self._gone = gone
        self.has_cancelled = False
        self._has_ended = False
        gone.add_done_callback(self._cancel)

    def is_the_only_reason(self) -> bool:
        """Whether nobody else has cancelled the task."""
        return self._task.cancelling() - 1 <= self._cancelled_before

    def end(self) -> None:
        """Watch no longer.

        Once the caller is gone, asyncio has queued `_cancel`, and removing it would come too late.
        """
        self._has_ended = True
        self._gone.cancel()
        if self.has_cancelled:
            self._task.uncancel()

    def _cancel(self, _: asyncio.Task[None]) -> None:
        if not self._has_ended:
            self.has_cancelled = self._task.cancel()


async def _disconnected(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass
