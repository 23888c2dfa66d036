"""So many at once, whoever they are for, and callers wait for a place in turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jrerank.fairness.caller import current_caller
from jrerank.fairness.line import FairLine


class Places:
    """As a semaphore; but who asks for one does not wait for all that another caller asks for. It lives on the event loop."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: FairLine[asyncio.Future[None]] = FairLine()

    @asynccontextmanager
    async def one(self, timeout_s: float) -> AsyncIterator[float]:
        """Wait for a place, and have it until the end; it comes with the seconds that are left.

        Raises:
            TimeoutError: there was none within `timeout_s`.
        """
        gives_up = time.monotonic() + timeout_s
        async with asyncio.timeout(timeout_s):
            await self._take()
        try:
            yield gives_up - time.monotonic()
        finally:
            self._give_on()

    async def _take(self) -> None:
        if self._free:
            self._free -= 1
        else:
            await self._turn()

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.join(turn, current_caller())
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place came in the same round
                self._give_on()
            raise

    def _give_on(self) -> None:
        while self._waiting:
            turn = self._waiting.take()
            if not turn.done():  # else nobody waits any more
                turn.set_result(None)
                return
        self._free += 1
