"""Memory that large requests have left behind goes back to the system once there are no more of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from jrerank.doors.bodies import OpenBodies
from jrerank.telemetry import logger

_LOG = logger(__name__)
LARGE_BYTES = 4 * 1024 * 1024
# Thousands of small requests at once leave as much behind
GROWN_BYTES = 16 * 1024 * 1024
_EVERY_S = 1.0


class FreedMemory:
    """Looks at open bodies, and at what the process holds, now and then, and knows when it is time."""

    def __init__(self, bodies: OpenBodies, resident_bytes: Callable[[], int]) -> None:
        self._bodies = bodies
        self._resident_bytes = resident_bytes
        self._held_bytes = resident_bytes()
        self._is_left_behind = False
        self.is_after_large = False

    def is_due(self) -> bool:
        """Whether bodies were large at some time before the last look, or the process has grown, and none has been large since."""
        was_large = self._bodies.take_most_used_bytes() >= LARGE_BYTES
        is_due = self._is_left_behind and not was_large
        has_grown = self._resident_bytes() >= self._held_bytes + GROWN_BYTES
        self.is_after_large |= was_large
        self._is_left_behind = not is_due and (was_large or has_grown)
        return is_due

    def given_back(self) -> None:
        """What is held now is in use."""
        self._held_bytes = self._resident_bytes()
        self.is_after_large = False


async def keep_returning(
    bodies: OpenBodies, resident_bytes: Callable[[], int], give_back: Callable[[bool], Awaitable[None]]
) -> None:
    """Let `give_back` be called whenever it is time, without end, whatever it raises. It is told whether bodies were large."""
    freed = FreedMemory(bodies, resident_bytes)
    while True:
        await asyncio.sleep(_EVERY_S)
        if freed.is_due():
            try:
                await give_back(freed.is_after_large)
            except Exception:  # noqa: BLE001  memory that stays is no reason to keep all that comes after it
                _LOG.exception("memory_not_returned")
            freed.given_back()
