"""Who is parsed next, where thousands of clients send their bodies at once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

# How long turns take in a round of the event loop
_PARSING_S = 0.002


class ParsingTurns:
    """Parses for a bounded time in each round of the event loop, first come first served.

    Where thousands of clients send their bodies at once, nobody else would be answered meanwhile.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_due = False

    def join(self, parse: Callable[[], None]) -> None:
        """Let `parse` be called when it is its turn."""
        self._waiting.append(parse)
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        give_up = time.monotonic() + _PARSING_S
        try:
            self._waiting.popleft()()
            while self._waiting and time.monotonic() < give_up:
                self._waiting.popleft()()
        finally:  # whoever fails must not let the others wait for ever
            self._is_due = bool(self._waiting)
            if self._is_due:
                asyncio.get_running_loop().call_soon(self._next)
