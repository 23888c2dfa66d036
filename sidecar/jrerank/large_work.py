"""Work on large requests: on a thread of its own, so that the event loop goes on with the others."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

from jrerank.thread_priority import yield_to_others

# A request of more documents than this is read, ranked and written there: they take some milliseconds each
MANY_DOCUMENTS = 500
_NICENESS = 1
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


_Line = deque[_Piece]


class LargeWork:
    """One piece of work at a time: several would only share the interpreter, and let the event loop wait for each of them.

    First come first served, but answers go before what has yet to be read: they are due.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "jrerank-large", yield_to_others, (_NICENESS,))
        self._new: _Line = deque()
        self._answers: _Line = deque()

    async def run(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What `work` gives, or raises. Who is cancelled before it has begun takes no time."""
        return await self._waited_for(self._new, partial(work, *arguments, **named))

    async def begin_by(
        self, deadline: float, work: Callable[P, T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """As `run`, of work that has begun by `deadline` (on the clock of `time.monotonic()`) or never does.

        Raises:
            TimeoutError: others' work came first.
        """
        return await self._waited_for(self._new, partial(work, *arguments, **named), deadline)

    async def run_if(self, is_large: bool, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """The same at once where it is not large: a hop to another thread costs more than that."""
        return await self.run(work, *arguments, **named) if is_large else work(*arguments, **named)

    async def answer_if(
        self, is_large: bool, work: Callable[P, T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """As `run_if`, for work that ends in an answer."""
        if not is_large:
            return work(*arguments, **named)
        return await self._waited_for(self._answers, partial(work, *arguments, **named))

    async def _waited_for(self, line: _Line, work: Callable[[], T], begin_by: float | None = None) -> T:
        piece = _Piece(Future[T](), work)
        line.append(piece)
        self._thread.submit(self._run_next)
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
            # An error's traceback has this frame, and both have the error: they would hold the work until they are collected
            del piece, done

    def _run_next(self) -> None:
        piece = (self._answers or self._new).popleft()
        result, work = piece.result, piece.work
        if not result.set_running_or_notify_cancel() or work is None:
            return
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
            result.set_exception(error)
        finally:
            del piece, result, work  # as above
