"""The name that a caller gives a request: a search engine shows it with its tasks and in its slow log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Opaque-Id"
_SENT = re.compile(r"[\x20-\x7e]{1,256}")
_of_request: ContextVar[str | None] = ContextVar("opaque_id", default=None)


@contextmanager
def asking_for(opaque_id: str) -> Iterator[None]:
    """Let the engine be asked under that name within; what is no name of that kind is left out."""
    token = _of_request.set(opaque_id if _SENT.fullmatch(opaque_id) else None)
    try:
        yield
    finally:
        _of_request.reset(token)


def asked_for() -> Mapping[str, str]:
    """The headers that say so."""
    opaque_id = _of_request.get()
    return {} if opaque_id is None else {HEADER: opaque_id}
