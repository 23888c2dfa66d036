"""Work on large requests: on threads of its own, so that the event loop goes on with the others."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar

from jrerank.fairness.caller import current_caller, serve_all
from jrerank.thread_priority import yield_to_others

# A request of more documents than this is read, ranked and written there: they take some milliseconds each
MANY_DOCUMENTS = 500
_NICENESS = 1
_THREADS = 2
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Piece:
    """One piece of work. `work` is None once nobody waits for it: it may hold a body of many megabytes."""

    result: Future[Any]
    work: Callable[[], Any] | None

    def leave(self) -> bool:
        """Whether it has not begun, and never will."""
        if is_left := self.result.cancel():
            self.work = None
        return is_left

    def run(self) -> None:
        """Do it, unless nobody waits for it."""
        result, work = self.result, self.work
        if not result.set_running_or_notify_cancel() or work is None:
            return
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
            result.set_exception(error)
        finally:
            # An error's traceback has this frame, and the result has the error: they would hold the work until they are collected
            del self, result, work


@dataclass(slots=True, eq=False)
class _Line:
    """What one caller waits for. Answers are due, and go before what has yet to be read."""

    answers: deque[_Piece] = field(default_factory=deque)
    new: deque[_Piece] = field(default_factory=deque)
    is_worked_on: bool = False

    def __len__(self) -> int:
        return len(self.answers) + len(self.new)

    def take(self) -> _Piece:
        """The next piece."""
        return (self.answers or self.new).popleft()


class LargeWork:
    """One piece of a caller's work at a time, and callers in turn: nobody waits for all that another one has sent.

    Two callers' pieces at once: one can't be interrupted, and takes up to some 0.3 s. More threads would only share the
    interpreter, and let the event loop wait for each of them.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "jrerank-large", _begin_thread)
        self._lock = threading.Lock()
        self._lines: dict[str, _Line] = {}
        self._turns: deque[str] = deque()  # who has something to do that no thread is at

    async def run(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What `work` gives, or raises. Who is cancelled before it has begun takes no time."""
        return await self._waited_for(partial(work, *arguments, **named))

    async def begin_by(
        self, deadline: float, work: Callable[P, T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """As `run`, of work that has begun by `deadline` (on the clock of `time.monotonic()`) or never does.

        Raises:
            TimeoutError: others' work came first.
        """
        return await self._waited_for(partial(work, *arguments, **named), begin_by=deadline)

    async def run_if(self, is_large: bool, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """The same at once where it is not large: a hop to another thread costs more than that."""
        return await self.run(work, *arguments, **named) if is_large else work(*arguments, **named)

    async def answer_if(
        self, is_large: bool, work: Callable[P, T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """As `run_if`, for work that ends in an answer."""
        if not is_large:
            return work(*arguments, **named)
        return await self._waited_for(partial(work, *arguments, **named), is_answer=True)

    async def _waited_for(
        self, work: Callable[[], T], *, begin_by: float | None = None, is_answer: bool = False
    ) -> T:
        piece = _Piece(Future[T](), work)
        self._join(current_caller(), piece, is_answer=is_answer)
        self._threads.submit(self._work)
        done: asyncio.Future[T] = asyncio.wrap_future(piece.result)
        try:
            if begin_by is not None:
                await asyncio.wait([done], timeout=begin_by - time.monotonic())
                if not done.done() and piece.leave():
                    raise TimeoutError
            return await done
        finally:
            piece.leave()
            done.cancel()  # else what the thread still raises for nobody would be logged as an error that was never looked at
            # As in `_Piece.run`
            del piece, done

    def _join(self, caller: str, piece: _Piece, *, is_answer: bool) -> None:
        with self._lock:
            line = self._lines.setdefault(caller, _Line())
            if not line and not line.is_worked_on:
                self._turns.append(caller)
            (line.answers if is_answer else line.new).append(piece)

    def _work(self) -> None:
        """In a thread: until nothing is left, or only what another thread comes to next."""
        while caller_and_piece := self._take():
            caller, piece = caller_and_piece
            del caller_and_piece
            piece.run()
            del piece
            self._end_turn(caller)

    def _take(self) -> tuple[str, _Piece] | None:
        with self._lock:
            if not self._turns:
                return None
            caller = self._turns.popleft()
            line = self._lines[caller]
            line.is_worked_on = True
            return caller, line.take()

    def _end_turn(self, caller: str) -> None:
        with self._lock:
            line = self._lines[caller]
            line.is_worked_on = False
            if line:
                self._turns.append(caller)
            else:
                del self._lines[caller]


def _begin_thread() -> None:
    serve_all()
    yield_to_others(_NICENESS)
