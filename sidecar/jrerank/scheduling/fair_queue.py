"""Whose turn it is: callers share fairly, and within a caller what is due first goes first."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Flow(Generic[T]):
    """One caller. `start` is the virtual time at which its next item starts."""

    start: float
    items: list[tuple[float, int, T]] = field(default_factory=list)
    is_ordered: bool = False


class FairQueue(Generic[T]):
    """Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) over callers of equal weight.

    A caller's virtual time advances by the cost that it is charged, and the caller whose time is least is next. A caller that
    comes back starts at the present virtual time: it neither saves up what it did not use, nor pays for having been alone.
    `pop` and `push` are logarithmic in callers and items.
    """

    def __init__(self) -> None:
        self._flows: dict[str, _Flow[T]] = {}
        self._order: list[tuple[float, int, _Flow[T]]] = []
        self._idle: list[tuple[float, str]] = []
        self._virtual_time = 0.0
        self._sequence = count()

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

    def pop(self, is_eligible: Callable[[T], bool] = lambda _: True) -> T | None:
        """Take the next item; a caller whose first item isn't eligible is passed over.

        `charge` has to follow before anything else is done with the caller.
        """
        passed_over: list[tuple[float, int, _Flow[T]]] = []
        item: T | None = None
        while self._order and item is None:
            entry = heapq.heappop(self._order)
            flow = entry[2]
            if not is_eligible(flow.items[0][2]):
                passed_over.append(entry)
                continue
            flow.is_ordered = False
            self._virtual_time = max(self._virtual_time, flow.start)
            self._forget_idle()
            item = heapq.heappop(flow.items)[2]
        for entry in passed_over:
            heapq.heappush(self._order, entry)
        return item

    def charge(self, caller: str, cost: float) -> None:
        """What the caller's last popped item costs, in any unit; 0 for an item that was not served."""
        flow = self._flows[caller]
        flow.start += cost
        if flow.items:
            self._join(flow)
            return
        heapq.heappush(self._idle, (flow.start, caller))
        if not self._order:  # a busy period is over: its end is the start of the next one, for everybody
            self._virtual_time = max(start for start, _ in self._idle)
            self._forget_idle()

    def first_due(self, caller: str) -> float | None:
        """When the caller's first item is due; None where it has none waiting."""
        flow = self._flows.get(caller)
        return flow.items[0][0] if flow and flow.items else None

    def _join(self, flow: _Flow[T]) -> None:
        if flow.is_ordered:
            return
        flow.start = max(flow.start, self._virtual_time)
        flow.is_ordered = True
        heapq.heappush(self._order, (flow.start, next(self._sequence), flow))

    def _forget_idle(self) -> None:
        while self._idle and self._idle[0][0] <= self._virtual_time:
            _, caller = heapq.heappop(self._idle)
            flow = self._flows.get(caller)
            if flow is not None and not flow.items and flow.start <= self._virtual_time:
                del self._flows[caller]
