"""Which request begins next, where hundreds come at once. To look for a key is work too: nobody has shown one yet."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from jrerank.doors.turns import FairLine

# In one round of the event loop: each is half a millisecond of work if it is answered at once
_AT_ONCE = 4
# Of those that were sent before the answer to the one in front: their clients need not even be awake
PIPELINED_A_SECOND = 1_000
_OPEN_PATHS = frozenset({"/health", "/ready", "/ping"})
_KEY_HEADERS = frozenset({b"authorization", b"api-key", b"x-api-key"})
Begin = Callable[[], None]


class Beginnings:
    """Begins a few requests in each round of the event loop, those of different askers in turn.

    Without it 300 probes that come at the same moment are worked on in one round, and everybody else waits for all of
    them at each step of a request. A client who pipelines sends once, and keeps us busy without end: of such requests one
    begins in a millisecond, which leaves time for others, and for the workers where cores are few.
    """

    def __init__(self) -> None:
        self._waiting: FairLine[Begin] = FairLine()
        self._pipelined: deque[Begin] = deque()
        self._begun = 0
        self._is_due = False

    def join(self, begin: Begin, asker: str = "") -> None:
        """Let `begin` be called at once, or when it is its turn."""
        self._waiting.join(begin, asker)
        try:
            self._begin_some()
        finally:
            self._see_to_the_next_round()

    def join_pipelined(self, begin: Begin) -> None:
        """The same for what has waited for another answer on its connection."""
        self._pipelined.append(begin)
        if len(self._pipelined) == 1:
            asyncio.get_running_loop().call_later(1 / PIPELINED_A_SECOND, self._next_pipelined)

    def _next_pipelined(self) -> None:
        try:
            self._pipelined.popleft()()
        finally:  # whoever fails must not let the others wait for ever
            if self._pipelined:
                asyncio.get_running_loop().call_later(1 / PIPELINED_A_SECOND, self._next_pipelined)

    def _begin_some(self) -> None:
        while self._waiting and self._begun < _AT_ONCE:
            self._begun += 1
            self._waiting.take()()

    def _see_to_the_next_round(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._next_round)

    def _next_round(self) -> None:
        self._begun, self._is_due = 0, False
        try:
            self._begin_some()
        finally:
            if self._begun:
                self._see_to_the_next_round()


def asker_of(path: str, address: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Whom a request is taken for before its key has been looked at: whoever sends another key is somebody else.

    Probes of one address are one asker, so that those who have a key don't wait for all of them.
    """
    if path in _OPEN_PATHS:
        return f"{address} open"
    key = next((value for name, value in headers if name in _KEY_HEADERS), b"")
    return f"{address} {key.decode('latin-1')}"
