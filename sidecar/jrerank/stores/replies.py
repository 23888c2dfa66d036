"""How much of an engine's reply a request may hold in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MAX_REPLY_BYTES = 64 * 1024 * 1024
# Of the request that this task works for; it raises where there is no more room
_take: ContextVar[Callable[[int], None]] = ContextVar("take_reply", default=lambda _: None)


@contextmanager
def counted_by(take: Callable[[int], None]) -> Iterator[None]:
    """Let `take` know of the bytes of replies that come within, before they are kept; what it raises ends the reading."""
    token = _take.set(take)
    try:
        yield
    finally:
        _take.reset(token)


def take_reply(size: int) -> None:
    """So many more bytes of a reply, or of what is made of it, are to be kept.

    Raises:
        JrerankError: there is no room.
    """
    _take.get()(size)


def taker() -> Callable[[int], None]:
    """What `take_reply` does here, for a thread that works for the same request."""
    return _take.get()
