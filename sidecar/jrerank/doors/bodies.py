"""How much memory the bodies of all open requests take, with what is made of them, and where that ends."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from jrerank.errors import Abandoned, InputTooLong, Overloaded
from jrerank.fairness.caller import current_caller
from jrerank.json_reader.size import parsed_bytes

# A document on its way through cache, queue and ranking, and in the answer
DOCUMENT_BYTES = 2048
# What a caller may hold of what others leave, so that something is left for whoever comes next
_SHARE_OF_REST = 4 / 5
# What each may hold whatever others do, as a share of all: answers come on top of what was asked, and nobody is refused for them
_OWN_SHARE = 1 / 64


class OpenBodies:
    """Counts the bytes of bodies in memory, of all requests at once. Shares may be used in any thread.

    No caller shuts the others out: each may hold a share of what others leave, which gets smaller the more of them there are
    (Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998).
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self.most_used_bytes = 0
        self.lock = threading.Lock()
        self._used_by: Counter[str] = Counter()

    def used_by(self, caller: str) -> int:
        """What all requests of a caller hold."""
        return self._used_by[caller]

    def most_bytes(self, caller: str) -> int:
        """What they may."""
        others = self.used_bytes - self._used_by[caller]
        return max(round(self.max_bytes * _OWN_SHARE), round((self.max_bytes - others) * _SHARE_OF_REST))

    def add(self, caller: str, size: int) -> None:
        """So many more bytes are held, or fewer; under the lock."""
        self.used_bytes += size
        self.most_used_bytes = max(self.most_used_bytes, self.used_bytes)
        self._used_by[caller] += size
        if not self._used_by[caller]:
            del self._used_by[caller]

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
    """What one request holds. `caller` is whose it is, and is known before anything is taken."""

    def __init__(self, bodies: OpenBodies) -> None:
        self.caller = current_caller()
        self._bodies = bodies
        self._is_closed = False
        self.used_bytes = 0

    def take_text(self, size: int) -> None:
        """Before so many bytes are kept.

        Raises:
            InputTooLong: this request is more than a caller may hold who is alone.
            Overloaded: there is no room as long as other requests are open.
        """
        bodies = self._bodies
        alone = round(bodies.max_bytes * _SHARE_OF_REST)
        if self.used_bytes + size > alone:
            raise InputTooLong(
                f"the body takes more than {alone} bytes in memory: send fewer documents", field="body"
            )
        with bodies.lock:
            if bodies.used_by(self.caller) + size > bodies.most_bytes(self.caller):
                raise Overloaded(
                    f"open requests hold {bodies.used_bytes} bytes already, yours {bodies.used_by(self.caller)} of them"
                )
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
        self._bodies.add(self.caller, size)
        self.used_bytes += size
