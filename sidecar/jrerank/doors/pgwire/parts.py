"""A request that comes in parts."""

from __future__ import annotations

from contextlib import ExitStack

from jrerank.doors.service import Service
from jrerank.errors import InputTooLong


class Parts:
    """What has come so far. It counts among the open bodies until `forget`."""

    def __init__(self, service: Service) -> None:
        self._limit_bytes = service.limits.body_bytes
        self._text = bytearray()
        self._room = ExitStack()
        self._share = self._room.enter_context(service.bodies.share())

    def add(self, text: str) -> None:
        """The next part.

        Raises:
            InputTooLong: the parts together are longer than a request may be.
            Overloaded: all open requests together are.
        """
        part = text.encode()
        if len(self._text) + len(part) > self._limit_bytes:
            raise InputTooLong(f"the parts together are larger than {self._limit_bytes} bytes")
        self._share.take_text(len(part))
        self._text += part

    def joined(self, last: str) -> bytes:
        """The whole request, with its last part."""
        return bytes(self._text) + last.encode()

    def forget(self) -> None:
        """Give the memory back."""
        self._text.clear()
        self._room.close()
