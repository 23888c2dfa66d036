"""Which refusals get a line in the log: a line costs as much as a refusal may, and an overload would write thousands a second."""

from __future__ import annotations

import time
from collections.abc import Callable

_AT_ONCE_KIND = "overloaded"
_INTERVAL_S = 1.0


class Refusals:
    """All have a line but those of an overload, which have one a second together."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = -float("inf")
        self._unsaid = 0

    def due(self, kind: str) -> int | None:
        """For how many refusals a line is due now; None where it is not."""
        if kind != _AT_ONCE_KIND:
            return 1
        self._unsaid += 1
        now = self._clock()
        if now - self._since < _INTERVAL_S:
            return None
        count, self._unsaid, self._since = self._unsaid, 0, now
        return count
