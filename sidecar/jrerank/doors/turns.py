"""Whose turn it is on the event loop: one request's work at a time, with a look at all connections in between."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """First come first served, but answers go before new requests.

    Without turns, a thousand requests that come in at the same moment would be worked on in one go of the event loop, while nobody
    notices who has hung up, and nothing else is answered.
    """

    def __init__(self) -> None:
        self._new: deque[asyncio.Future[None]] = deque()
        self._answers: deque[asyncio.Future[None]] = deque()
        self._is_due = False

    async def new(self) -> None:
        """Wait until a new request may be worked on, which it may up to its next `await`."""
        await self._turn(self._new)

    async def answer(self) -> None:
        """Wait until an answer may be written."""
        await self._turn(self._answers)

    async def _turn(self, line: deque[asyncio.Future[None]]) -> None:
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        line.append(turn)
        if not self._is_due:
            self._is_due = True
            loop.call_soon(self._next)
        await turn

    def _next(self) -> None:
        """The one who is woken runs in the loop's next round, and who comes then in the one after it."""
        for line in (self._answers, self._new):
            while line:
                turn = line.popleft()
                if not turn.done():  # else its request has been cancelled
                    turn.set_result(None)
                    asyncio.get_running_loop().call_soon(self._next)
                    return
        self._is_due = False
