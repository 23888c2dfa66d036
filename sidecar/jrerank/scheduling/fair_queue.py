"""Whose turn it is: callers share fairly, and within a caller what is due first goes first."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")
# Entries of the passed over that are no longer true are dropped when there are so many times as many as callers
_STALE_ENTRIES = 2


@dataclass(eq=False, slots=True)
class _Flow(Generic[T]):
    """One caller. `start` is the virtual time at which its next item starts, `place` its entry in the order, if it is in it."""

    start: float
    items: list[tuple[float, int, T]] = field(default_factory=list)
    place: _Entry[T] | None = None
    is_passed_over: bool = False


# Start, number of the turn, number of the entry
_Entry = tuple[float, int, int, _Flow[T]]


class FairQueue(Generic[T]):
    """Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) over callers of equal weight.

    A caller's virtual time advances by the cost that it is charged, and the caller whose time is least is next. A caller that
    comes back starts at the present virtual time: it neither saves up what it did not use, nor pays for having been alone.
    That time is the start of the item that was taken last. It goes on to the item's end only by `end_busy_period`: until then
    the item is being served, and who comes now is before the next one of the same caller.
    `pop` and `push` are logarithmic in callers and items; so is `pop_eligible`, since who is passed over is not looked at again
    until something of theirs has changed.
    """

    def __init__(self) -> None:
        self._flows: dict[str, _Flow[T]] = {}
        self._order: list[_Entry[T]] = []
        self._passed_over: list[_Entry[T]] = []
        self._idle: list[tuple[float, str]] = []
        self._virtual_time = 0.0
        self._turns = count()
        self._entries = count()

    def __len__(self) -> int:
        """How many items wait."""
        return sum(len(flow.items) for flow in self._flows.values())

    @property
    def callers(self) -> int:
        """How many callers are remembered: those that wait, and those that were charged for more than their share so far."""
        return len(self._flows)

    def push(self, caller: str, due: float, number: int, item: T) -> None:
        """Let `item` wait for the caller's turn, in the order of `due`, then of `number`, which no other item has."""
        flow = self._flows.get(caller)
        if flow is None:
            flow = self._flows[caller] = _Flow(self._virtual_time)
        heapq.heappush(flow.items, (due, number, item))
        self._join(flow)
        self.look_again(caller)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        self._drop_stale()
        return not self._order and not self._passed_over

    def pop(self) -> T | None:
        """Take the next item. `charge` has to follow before anything else is done with the caller."""
        heap = self._next_heap()
        return self._taken(heapq.heappop(heap)) if heap else None

    def first(self) -> T | None:
        """The item that `pop` would take."""
        heap = self._next_heap()
        return heap[0][-1].items[0][2] if heap else None

    def pop_eligible(self, is_eligible: Callable[[T], bool]) -> T | None:
        """As `pop`, but a caller whose first item isn't eligible is passed over, until `look_again` says that it may be."""
        while self._order:
            entry = heapq.heappop(self._order)
            flow = entry[-1]
            if is_eligible(flow.items[0][2]):
                return self._taken(entry)
            flow.is_passed_over = True
            heapq.heappush(self._passed_over, entry)
        return None

    def look_again(self, caller: str) -> None:
        """The caller's first item may be eligible now."""
        flow = self._flows.get(caller)
        if flow is None or flow.place is None or not flow.is_passed_over:
            return
        flow.is_passed_over = False
        start, turn, _, _ = flow.place
        flow.place = (start, turn, next(self._entries), flow)
        heapq.heappush(self._order, flow.place)
        if len(self._passed_over) > _STALE_ENTRIES * len(self._flows):
            self._passed_over = [entry for entry in self._passed_over if entry[-1].place is entry]
            heapq.heapify(self._passed_over)

    def charge(self, caller: str, cost: float) -> None:
        """What the caller's last popped item costs, in any unit; 0 for an item that was not served."""
        flow = self._flows[caller]
        flow.start += cost
        if flow.items:
            self._join(flow)
            return
        heapq.heappush(self._idle, (flow.start, caller))

    def first_due(self, caller: str) -> float | None:
        """When the caller's first item is due; None where it has none waiting."""
        flow = self._flows.get(caller)
        return flow.items[0][0] if flow and flow.items else None

    def _next_heap(self) -> list[_Entry[T]] | None:
        self._drop_stale()
        heaps = [heap for heap in (self._order, self._passed_over) if heap]
        return min(heaps, key=lambda heap: heap[0], default=None)

    def _taken(self, entry: _Entry[T]) -> T:
        flow = entry[-1]
        flow.place, flow.is_passed_over = None, False
        self._virtual_time = max(self._virtual_time, flow.start)
        self._forget_idle()
        return heapq.heappop(flow.items)[2]

    def end_busy_period(self) -> None:
        """Nothing waits, and nothing is being served: the end of what was served is the start of what comes, for everybody."""
        self._virtual_time = max((start for start, _ in self._idle), default=self._virtual_time)
        self._forget_idle()

    def _join(self, flow: _Flow[T]) -> None:
        if flow.place is not None:
            return
        flow.start = max(flow.start, self._virtual_time)
        flow.place = (flow.start, next(self._turns), next(self._entries), flow)
        heapq.heappush(self._order, flow.place)

    def _drop_stale(self) -> None:
        while self._passed_over and self._passed_over[0][-1].place is not self._passed_over[0]:
            heapq.heappop(self._passed_over)

    def _forget_idle(self) -> None:
        while self._idle and self._idle[0][0] <= self._virtual_time:
            _, caller = heapq.heappop(self._idle)
            flow = self._flows.get(caller)
            if flow is not None and not flow.items and flow.start <= self._virtual_time:
                del self._flows[caller]
