"""Memory that large requests have left behind goes back to the system once there are no more of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from jrerank.doors.bodies import OpenBodies

LARGE_BYTES = 4 * 1024 * 1024
_EVERY_S = 1.0


class FreedMemory:
    """Looks at open bodies now and then, and knows when it is time."""

    def __init__(self, bodies: OpenBodies) -> None:
        self._bodies = bodies
        self._is_left_behind = False

    def is_due(self) -> bool:
        """Whether bodies were large at some time before the last look, and none has been since."""
        was_large = self._bodies.take_most_used_bytes() >= LARGE_BYTES
        is_due = self._is_left_behind and not was_large
        self._is_left_behind = was_large
        return is_due


async def keep_returning(bodies: OpenBodies, give_back: Callable[[], Awaitable[None]]) -> None:
    """Let `give_back` be called whenever it is time, without end."""
    freed = FreedMemory(bodies)
    while True:
        await asyncio.sleep(_EVERY_S)
        if freed.is_due():
            await give_back()
