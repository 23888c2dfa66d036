"""Work on a large body waits for its thread no longer than its caller waits for an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

from jrerank.doors.http.context import arrival_of, proxy_timeout_ms, service_of
from jrerank.errors import Overloaded

T = TypeVar("T")


async def beside_if(
    is_large: bool, http: Request, work: Callable[[], T], timeout_ms: float | None = None
) -> T:
    """What `work` gives, or raises; beside the event loop where it is large.

    Args:
        timeout_ms: what the body asks for, once that is known.

    Raises:
        InvalidInput: see `proxy_timeout_ms`.
        Overloaded: others' large bodies came first, until it was too late.
    """
    if not is_large:
        return work()
    service = service_of(http)
    timeout_s = min(timeout_ms or service.timeout_ms, proxy_timeout_ms(http)) / 1000
    try:
        return await service.large.begin_by(arrival_of(http) + timeout_s, work)
    except TimeoutError:
        raise Overloaded(
            f"others' large bodies came first, for longer than the timeout of {timeout_s:g} s"
        ) from None
