"""Which request starts next, where hundreds come at once. To look for a key is work too: nobody has shown one yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from jrerank.doors.http.auth import KEY_HEADERS
from jrerank.fairness.caller import HOUSE, STRANGERS, context_for
from jrerank.fairness.line import FairLine

# In one round of the event loop: each is half a millisecond of work if it is answered at once. One more than have their bodies read
# in a round, so that a request waits for that: only there is it known whether its time is up
_AT_ONCE = 2
# Of those that were sent before the answer to the one in front: their clients need not even be awake
PIPELINED_A_SECOND = 1_000
OPEN_PATHS = frozenset({"/health", "/ready", "/ping"})
_KEY_HEADERS = frozenset({b"authorization", *(name.encode() for name in KEY_HEADERS)})
# Says whether there was anything to start: a client may have hung up meanwhile
Start = Callable[[], bool]
Call = Callable[[], None]


class Later(Protocol):
    """`call_later` of an event loop."""

    def __call__(self, seconds: float, call: Call, /) -> object: ...  # noqa: D102


class StartingTurns:
    """Starts a few requests in each round of the event loop, those of different callers in turn.

    Without it 300 probes that come at the same moment are worked on in one round, and everybody else waits for all of
    them at each step of a request. A client who pipelines sends once, and keeps us busy without end: of such requests one
    starts in a millisecond, which leaves time for others, and for the workers where cores are few.
    """

    def __init__(self, call_later: Later | None = None) -> None:
        """`call_later` is the running loop's unless time is to be injected."""
        self._waiting: FairLine[Start] = FairLine()
        self._pipelined: FairLine[Start] = FairLine()
        self._started = 0
        self._is_due = False
        self._call_later = call_later

    def join(self, start: Start, caller: str = "") -> None:
        """Let `start` be called at once, or when it is its turn."""
        self._waiting.join(start, caller)
        try:
            self._start_some()
        finally:
            self._schedule_next_round()

    def join_pipelined(self, start: Start, caller: str = "") -> None:
        """The same for what has waited for another answer on its connection."""
        self._pipelined.join(start, caller)
        if len(self._pipelined) == 1:
            self._schedule_next_pipelined()

    def _next_pipelined(self) -> None:
        try:
            while self._pipelined and not self._pipelined.take()():
                pass
        finally:  # whoever fails must not let the others wait for ever
            if self._pipelined:
                self._schedule_next_pipelined()

    def _schedule_next_pipelined(self) -> None:
        later = self._call_later or partial(asyncio.get_running_loop().call_later, context=context_for(HOUSE))
        later(1 / PIPELINED_A_SECOND, self._next_pipelined)

    def _start_some(self) -> None:
        while self._waiting and self._started < _AT_ONCE:
            self._started += 1
            if not self._waiting.take()():
                self._started -= 1

    def _schedule_next_round(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._next_round, context=context_for(HOUSE))

    def _next_round(self) -> None:
        self._started, self._is_due = 0, False
        try:
            self._start_some()
        finally:
            if self._started:
                self._schedule_next_round()


def claimed_caller(path: str, address: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Whom a request is taken for before its key has been looked at: whoever sends another key is somebody else.

    Probes of one address and path are one caller, so that neither those who have a key wait for all of them, nor a load balancer
    for who asks its sidecars whether they are ready.
    """
    if _is_probe(path):
        return f"{address} {path.rstrip('/')}"
    key = next((value for name, value in headers if name in _KEY_HEADERS), b"")
    return f"{address} {key.decode('latin-1')}"


def _is_probe(path: str) -> bool:
    """Whether it is a question for which nobody needs a key."""
    return path.rstrip("/") in OPEN_PATHS


def line_of_strangers(path: str) -> str:
    """With whom those wait who have shown no key on their connection: those who only ask how we are, with each other."""
    return f"{STRANGERS} {path.rstrip('/')}" if _is_probe(path) else STRANGERS
