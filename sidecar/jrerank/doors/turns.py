"""Whose turn it is on the event loop: one request's work at a time, with a look at all connections in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from jrerank.fairness.caller import HOUSE, context_for
from jrerank.fairness.line import FairLine

# Of those who have left so many are let go in one round: there is no work for them
_LEAVERS_AT_ONCE = 20

_Turn = tuple[asyncio.Future[None], Callable[[], bool]]


class Turns:
    """One request after the other, but answers go before new requests.

    Without turns, a thousand requests that come in at the same moment would be worked on in one go of the event loop, while nobody
    notices who has hung up, and nothing else is answered. Who comes when nobody has had a turn in this round has it at once: each
    round that a request waits for is as long as all that others have sent meanwhile.
    """

    def __init__(self) -> None:
        self._new: FairLine[_Turn] = FairLine()
        self._answers: FairLine[_Turn] = FairLine()
        self._is_due = False

    @property
    def are_awaited(self) -> bool:
        """Whether anybody waits for a turn."""
        return bool(self._new) or bool(self._answers)

    async def new(self, has_left: Callable[[], bool] = lambda: False, caller: str = "") -> None:
        """Wait until a new request may be worked on, which it may up to its next `await`.

        Args:
            has_left: whether its client has hung up, so that there will be no work.
            caller: whose request it is; callers have turns in turn.
        """
        await self._turn(self._new, has_left, caller)

    async def answer(self, caller: str = "") -> None:
        """Wait until an answer may be written; callers have turns in turn."""
        await self._turn(self._answers, lambda: False, caller)

    async def _turn(self, line: FairLine[_Turn], has_left: Callable[[], bool], caller: str) -> None:
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        line.join((turn, has_left), caller)
        if self._is_due:
            await turn
            return
        line.take()
        self._is_due = True
        loop.call_soon(self._next, context=context_for(HOUSE))

    def _next(self) -> None:
        """The one who is woken runs in the loop's next round, and who comes then in the one after it."""
        self._is_due = self._wake()
        if self._is_due:
            asyncio.get_running_loop().call_soon(self._next, context=context_for(HOUSE))

    def _wake(self) -> bool:
        """Whether there was somebody to wake; there may be more."""
        for _ in range(1 + _LEAVERS_AT_ONCE):
            if (first := self._first()) is None:
                return False
            turn, has_left = first
            turn.set_result(None)
            if not has_left():
                break
        return True

    def _first(self) -> _Turn | None:
        for line in (self._answers, self._new):
            while line:
                turn, has_left = line.take()
                if not turn.done():  # else its request has been cancelled
                    return turn, has_left
        return None
