"""For whom a task works: what is shared below the doors is shared between callers too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from dataclasses import dataclass

# Names for what serves all callers, for what the sidecar does for itself, and for all who have shown no key. A caller's name, which
# is a key's or an address, has no such character
HOUSE, SIDECAR, STRANGERS = "\0house", "", "\0strangers"
_caller: ContextVar[str] = ContextVar("caller", default=SIDECAR)


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


def caller_in(context: Context) -> str:
    """The same of what runs in that context."""
    return context.get(_caller, "")


def context_for(caller: str) -> Context:
    """A new context that has nothing but for whom it is."""
    context = Context()
    context.run(_caller.set, caller)
    return context


def serve_all() -> None:
    """What this thread lets the event loop do serves all callers."""
    _caller.set(HOUSE)


@dataclass(slots=True)
class Owner:
    """Whose connection it is, as far as that has been proven. A protocol of asyncio's has it as its `owner`."""

    caller: str = STRANGERS
    is_known: bool = False

    def know(self, caller: str) -> None:
        """It has shown its key."""
        self.caller, self.is_known = caller, True

    def forget(self) -> None:
        """It has shown none, or a wrong one, behind one that was right: a proxy may put many clients on a connection."""
        self.caller, self.is_known = STRANGERS, False
