"""Work on large requests: on a thread of its own, so that the event loop goes on with the others."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

# A request of more documents than this is read, ranked and written there: they take some milliseconds each
MANY_DOCUMENTS = 500
_NICENESS = 1
P = ParamSpec("P")
T = TypeVar("T")


class LargeWork:
    """One piece of work at a time: several would only share the interpreter, and let the event loop wait for each of them."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "jrerank-large", _after_the_event_loop)

    async def run(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What `work` gives, or raises."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(*arguments, **named))

    async def run_if(self, is_large: bool, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """The same at once where it is not large: a hop to another thread costs more than that."""
        return await self.run(work, *arguments, **named) if is_large else work(*arguments, **named)


def _after_the_event_loop() -> None:
    """On Linux a thread has a priority of its own."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
