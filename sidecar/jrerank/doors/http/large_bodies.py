"""Work on a body: at once where it is small, and in time where it is large."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

from jrerank.doors.http.context import arrival_of, proxy_timeout_ms, service_of
from jrerank.doors.large_bodies import in_time

T = TypeVar("T")


async def beside_if(
    is_large: bool, http: Request, work: Callable[[], T], timeout_ms: float | None = None
) -> T:
    """What `work` gives, or raises; beside the event loop where it is large.

    Args:
        timeout_ms: what the body asks for, once that is known.

    Raises:
        InvalidInput: see `proxy_timeout_ms`.
        Overloaded: see `in_time`.
    """
    if not is_large:
        return work()
    service = service_of(http)
    timeout_ms = min(timeout_ms or service.timeout_ms, proxy_timeout_ms(http))
    return await in_time(service, work, arrival_of(http), timeout_ms)
