"""Work on a large body waits for its thread no longer than its caller waits for an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from jrerank.doors.service import Service
from jrerank.errors import Overloaded

T = TypeVar("T")


async def in_time(service: Service, work: Callable[[], T], arrival: float, timeout_ms: float) -> T:
    """What `work` gives, or raises, beside the event loop.

    Args:
        arrival: of the request, on the clock of `time.monotonic()`.

    Raises:
        Overloaded: others' large bodies came first, until it was too late.
    """
    timeout_s = timeout_ms / 1000
    try:
        return await service.large.begin_by(arrival + timeout_s, work)
    except TimeoutError:
        raise Overloaded(
            f"others' large bodies came first, for longer than the timeout of {timeout_s:g} s"
        ) from None
