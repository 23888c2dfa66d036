"""What makes a server's process start sooner."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from types import ModuleType

# structlog imports rich for tracebacks on a terminal, FastAPI the first version of pydantic to refuse its models: together a
# fifth of the time that the server's imports take. Both do without where there is none
_LEFT_OUT = ("rich", "pydantic.v1")


@contextmanager
def without_unused_libraries() -> Iterator[None]:
    """Let libraries find `rich` and pydantic's first version missing, unless they have been loaded before."""
    left_out = [name for name in _LEFT_OUT if name not in sys.modules]
    loaded: MutableMapping[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    loaded.update(dict.fromkeys(left_out))  # to import what is None is an ImportError
    try:
        yield
    finally:
        for name in left_out:
            del sys.modules[name]


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Importing makes a hundred thousand objects that stay: don't look through them, neither now nor later."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
