"""A line in which callers have turns in turn."""

from __future__ import annotations

from collections import OrderedDict, deque
from itertools import count
from typing import Generic, TypeVar

_NEWEST_TURN = 8
T = TypeVar("T")


class FairLine(Generic[T]):
    """Callers in turn, each of them first come first served: who asks one thing does not wait for all that another asks at once.

    Who had the last turn does not have the next one too if somebody else waits.

    But every eighth turn is that of the one who came last, whoever asks. Where more come than can be worked on, those in front have
    waited for too long to be done in time. If only they had turns, every request would be late, and the engine idle.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, tuple[str, T]] = OrderedDict()  # by the number of arrival
        self._numbers_of: OrderedDict[str, deque[int]] = OrderedDict()
        self._arrivals = count()
        self._turns = 0
        self._last_caller: str | None = None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def join(self, item: T, caller: str = "") -> None:
        """Wait behind all others of the same caller."""
        number = next(self._arrivals)
        self._waiting[number] = caller, item
        self._numbers_of.setdefault(caller, deque()).append(number)

    def take(self) -> T:
        """Whose turn it is; there has to be one."""
        self._turns += 1
        number = self._first() if self._turns % _NEWEST_TURN else next(reversed(self._waiting))
        caller, item = self._waiting.pop(number)
        self._leave(caller, number)
        self._last_caller = caller
        return item

    def _first(self) -> int:
        if next(iter(self._numbers_of)) == self._last_caller:
            self._numbers_of.move_to_end(self._last_caller)
        return next(iter(self._numbers_of.values()))[0]

    def _leave(self, caller: str, number: int) -> None:
        """It is the caller's first or last, and was the caller's turn."""
        numbers = self._numbers_of[caller]
        if numbers[0] == number:
            numbers.popleft()
        else:
            numbers.pop()
        if numbers:
            self._numbers_of.move_to_end(caller)
        else:
            del self._numbers_of[caller]
