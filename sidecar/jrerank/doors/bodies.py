"""How much memory the bodies of all open requests take, and where that ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jrerank.errors import InputTooLong, Overloaded

# What Python needs for a JSON value beyond its text: 32 MB of `{},{},` would be 1.4 GB of empty objects
_VALUE_BYTES = 128


class OpenBodies:
    """Counts the bytes of bodies in memory, of all requests at once. It lives on the event loop: no lock."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """One request's part, given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            share.give_back(share.used_bytes)

    def take(self, size: int, of_this_request: int) -> None:
        """Let a request have `size` more bytes.

        Raises:
            InputTooLong: this request alone is more than all together may hold.
            Overloaded: there is no room as long as the others are open.
        """
        if of_this_request + size > self._max_bytes:
            raise InputTooLong(
                f"the body takes more than {self._max_bytes} bytes in memory: send fewer documents",
                field="body",
            )
        if self._bytes + size > self._max_bytes:
            raise Overloaded(f"open requests hold {self._bytes} bytes already")
        self._bytes += size

    def give_back(self, size: int) -> None:
        """So many bytes are free again."""
        self._bytes -= size


class Share:
    """What one request holds."""

    def __init__(self, bodies: OpenBodies) -> None:
        self._bodies = bodies
        self.used_bytes = 0

    def take_text(self, size: int) -> None:
        """Before so many bytes are kept.

        Raises:
            InputTooLong, Overloaded: see `OpenBodies.take`.
        """
        self._bodies.take(size, self.used_bytes)
        self.used_bytes += size

    def give_back(self, size: int) -> None:
        """So many bytes are no longer kept."""
        self._bodies.give_back(size)
        self.used_bytes -= size

    def take_values(self, body: bytes) -> None:
        """Before a body is parsed: a JSON text has no more than two values for each comma, give or take its nesting.

        Raises:
            InputTooLong, Overloaded: see `OpenBodies.take`.
        """
        self.take_text(_VALUE_BYTES * body.count(b","))
