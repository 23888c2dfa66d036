"""For whom a task works: what is shared below the doors is shared between callers too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_caller: ContextVar[str] = ContextVar("caller", default="")


@contextmanager
def on_behalf_of(caller: str) -> Iterator[None]:
    """What is waited for within is for that caller."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


def current_caller() -> str:
    """Whom this task works for; nobody by name where it works for the sidecar itself."""
    return _caller.get()
