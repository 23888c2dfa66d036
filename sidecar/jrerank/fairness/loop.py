"""An event loop on which callers have turns: what one of them lets it do is not waited for by the others."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from jrerank.fairness.caller import HOUSE, SIDECAR, STRANGERS, Owner, caller_in, context_for

# From one look at the sockets to the next: who asks meanwhile is not noticed. A look costs a microsecond or two for each that can
# be read, so that a round takes twice as long as the look before it, where that is more
_ROUND_S, _ROUND_LOOKS = 0.002, 2
# What others may have before somebody's next call, since that one has had so much: where all are busy, who has just been served
# would else wait for all who have been refused
_MOST_DEBT_S = 0.05
# Of a line's calls every so many is one that comes in, whatever has begun: where requests without end are begun and answered, a
# large body would else never be looked at
_INCOMING_EVERY = 8
# Calls in a round: asyncio asks for so many, also for those that have to wait
_MOST_CALLS = 500
Call = TypeVar("Call", bound=Callable[..., Any])


@dataclass(slots=True, eq=False)
class _Line:
    """The calls of one caller, and the time on which the next of them is due: see `FairCalls`.

    What has begun mostly goes before what comes in: else those who are to be answered would wait for all who still ask.
    """

    caller: str
    due_s: float
    begun: deque[asyncio.Handle] = field(default_factory=deque)
    incoming: deque[asyncio.Handle] = field(default_factory=deque)
    passed_over: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to call."""
        return bool(self.begun) or bool(self.incoming)

    def take(self) -> asyncio.Handle:
        """The next call."""
        is_passed_over = bool(self.begun) and self.passed_over < _INCOMING_EVERY - 1
        if not self.incoming or is_passed_over:
            self.passed_over += bool(self.incoming)
            return self.begun.popleft()
        self.passed_over = 0
        return self.incoming.popleft()


class FairCalls(deque[asyncio.Handle]):
    """What an event loop has to call. The next call is that of the caller who has had the least time.

    This is start-time fair queueing (Goyal, Vin and Cheng, 1996), with the time that a call has taken in place of a packet's
    length. Each caller's calls come in their order. Who has had nothing to do begins level with the others, and not with what has
    been saved meanwhile. Calls that serve all, such as the one that says whose turn it is, come first in each round of the loop.

    The deque itself holds what has not been sorted yet: it is all that other threads add to.
    """

    def __init__(self, pause: asyncio.Handle, clock: Callable[[], float] = time.perf_counter) -> None:
        """`pause` is called in place of what has to wait for the next round: cancelled, it does nothing."""
        super().__init__()
        self._pause = pause
        self._clock = clock
        self._house: deque[asyncio.Handle] = deque()
        # Of the next round: who gives turns, and comes again at once, would else give all before anybody had used one
        self._house_next: deque[asyncio.Handle] = deque()
        self._lines: dict[str, _Line] = {}
        self._turns: list[tuple[float, int, _Line]] = []  # a heap of all lines but the one that is running
        self._numbers = count()
        # By `id`. What reads from a socket is added in each round until it is called
        self._waiting: set[int] = set()
        self._running: _Line | None = None
        self._level_s = self._began_s = 0.0
        self._looks_since_s: float | None = None
        self._round_s = _ROUND_S
        self._round_ends_s: float | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to call; a look at the sockets begins by that, which waits if there is nothing."""
        self._end_turn()
        is_anything = bool(self._waiting) or super().__len__() > 0
        self._looks_since_s = self._clock() if is_anything else None
        return is_anything

    def __len__(self) -> int:
        """How much there is to call at most; a round begins by that."""
        self._end_turn()
        self._sort()
        self._house.extend(self._house_next)
        self._house_next.clear()
        self._round_ends_s = None
        look_s = 0.0 if self._looks_since_s is None else self._clock() - self._looks_since_s
        self._round_s = max(_ROUND_S, _ROUND_LOOKS * look_s)
        return min(len(self._waiting), _MOST_CALLS)

    def popleft(self) -> asyncio.Handle:
        """What is to be called next."""
        self._end_turn()
        if self._house:
            handle = self._house.popleft()
        elif self._is_round_over():
            return self._pause
        elif self._is_anybodys_turn():
            handle = self._begin_turn()
        else:
            return self._pause
        self._waiting.discard(id(handle))
        return handle

    def clear(self) -> None:
        """Forget all of it."""
        super().clear()
        self._running = None
        for calls in (self._house, self._house_next, self._lines, self._turns, self._waiting):
            calls.clear()

    def _is_round_over(self) -> bool:
        """It has one call of a caller at least: it begins behind those that serve all, which may take as long themselves."""
        now_s = self._clock()
        if self._round_ends_s is None:
            self._round_ends_s = now_s + self._round_s
            return False
        return now_s >= self._round_ends_s

    def _is_anybodys_turn(self) -> bool:
        self._sort()
        return len(self._waiting) > len(self._house_next)

    def _begin_turn(self) -> asyncio.Handle:
        while True:
            self._level_s, _, line = heapq.heappop(self._turns)
            if line:
                break
            del self._lines[line.caller]  # who comes again begins level with the others
        self._running, self._began_s = line, self._clock()
        return line.take()

    def _end_turn(self) -> None:
        if (line := self._running) is not None:
            self._running = None
            most_s = self._level_s + _MOST_DEBT_S / len(self._lines)
            line.due_s = min(line.due_s + self._clock() - self._began_s, most_s)
            self._wait(line)

    def _wait(self, line: _Line) -> None:
        heapq.heappush(self._turns, (line.due_s, next(self._numbers), line))

    def _sort(self) -> None:
        while super().__len__():
            handle = super().popleft()
            if id(handle) not in self._waiting:
                self._waiting.add(id(handle))
                self._calls_with(handle).append(handle)

    def _calls_with(self, handle: asyncio.Handle) -> deque[asyncio.Handle]:
        caller = _caller_of(handle)
        if caller == HOUSE:
            return self._house_next
        line = self._line(caller)
        comes_in = getattr(handle._callback, "comes_in", False)  # type: ignore[attr-defined]
        return line.incoming if comes_in else line.begun

    def _line(self, caller: str) -> _Line:
        line = self._lines.get(caller)
        if line is None:
            line = self._lines[caller] = _Line(caller, self._level_s)
            self._wait(line)
        return line


def comes_in(call: Call) -> Call:
    """Mark what takes in something new, and waits for what has begun of the same caller."""
    call.comes_in = True  # type: ignore[attr-defined]
    return call


def _caller_of(handle: asyncio.Handle) -> str:
    """For whom a call is: whose connection it is about, else what its context says.

    A connection that the sidecar has opened itself serves all, but is made and read in the context of who happened to ask first.
    One that speaks TLS has no owner before a key has been shown.
    """
    called = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]
    protocol = called if isinstance(called, asyncio.BaseProtocol) else getattr(called, "_protocol", None)
    owner = getattr(called if protocol is None else protocol, "owner", None)
    if isinstance(owner, Owner):
        return owner.caller
    caller = caller_in(handle._context)  # type: ignore[attr-defined]
    return caller if protocol is None or caller == STRANGERS else SIDECAR


async def turn_of(caller: str) -> None:
    """Return when all that has begun for that caller has been called; for `HOUSE`, when the loop has looked at its sockets."""
    turn = asyncio.Event()
    asyncio.get_running_loop().call_soon(turn.set, context=context_for(caller))
    await turn.wait()


class FairEventLoop(asyncio.SelectorEventLoop):
    """Asyncio's, but for what is called next."""

    def __init__(self) -> None:
        super().__init__()
        pause = asyncio.Handle(_do_nothing, (), self)
        pause.cancel()
        self._ready = FairCalls(pause)


def _do_nothing() -> None:
    """What a cancelled call would do."""
