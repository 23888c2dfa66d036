"""How much memory the bodies of all open requests take, with what is made of them, and where that ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from jrerank.errors import Abandoned, InputTooLong, Overloaded
from jrerank.json_reader.size import parsed_bytes

# A document on its way through cache, queue and ranking, and in the answer
DOCUMENT_BYTES = 2048
# A request that holds no more is small: a hundred hits with a paragraph each take about half of it
SMALL_BYTES = 1024 * 1024
# The part of the room that is kept for small ones, whatever large ones hold: one in so many
KEPT_FOR_SMALL = 8


class OpenBodies:
    """Counts the bytes of bodies in memory, of all requests at once. Shares may be used in any thread."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self.most_used_bytes = 0
        self.lock = threading.Lock()

    def room_bytes(self, held_bytes: int) -> int:
        """Up to how much of all a request may come that holds so much: whoever sends large ones doesn't shut the others out."""
        kept = 0 if held_bytes <= SMALL_BYTES else self.max_bytes // KEPT_FOR_SMALL
        return self.max_bytes - kept

    def take_most_used_bytes(self) -> int:
        """The most that has been used at once since the last call."""
        with self.lock:
            most, self.most_used_bytes = self.most_used_bytes, self.used_bytes
        return most

    @contextmanager
    def share(self) -> Iterator[Share]:
        """One request's part, given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            share.close()


class Share:
    """What one request holds."""

    def __init__(self, bodies: OpenBodies) -> None:
        self._bodies = bodies
        self._is_closed = False
        self.used_bytes = 0

    def take_text(self, size: int) -> None:
        """Before so many bytes are kept.

        Raises:
            InputTooLong: this request alone is more than all together may hold.
            Overloaded: there is no room as long as the others are open.
        """
        limit = self._bodies.room_bytes(self.used_bytes + size)
        if self.used_bytes + size > limit:
            raise InputTooLong(
                f"the body takes more than {limit} bytes in memory: send fewer documents", field="body"
            )
        with self._bodies.lock:
            if self._bodies.used_bytes + size > limit:
                raise Overloaded(f"open requests hold {self._bodies.used_bytes} bytes already")
            self._add(size)

    def take_values(self, json: bytes) -> None:
        """Before a JSON text is parsed; raises as `take_text` does."""
        self.take_text(parsed_bytes(json))

    def take_documents(self, count: int) -> None:
        """Before so many documents are made ready for scoring; raises as `take_text` does."""
        self.take_text(DOCUMENT_BYTES * count)

    def hold(self, size: int) -> None:
        """Count what is there already, as an answer: others are refused for it, this request is not."""
        with self._bodies.lock:
            self._add(size)

    def give_back(self, size: int) -> None:
        """So many bytes are no longer kept."""
        self.hold(-size)

    def close(self) -> None:
        """The request is over."""
        with self._bodies.lock:
            self._add(-self.used_bytes)
            self._is_closed = True

    def _add(self, size: int) -> None:
        if self._is_closed:  # nobody waits for what a thread is still at
            raise Abandoned
        self._bodies.used_bytes += size
        self._bodies.most_used_bytes = max(self._bodies.most_used_bytes, self._bodies.used_bytes)
        self.used_bytes += size
