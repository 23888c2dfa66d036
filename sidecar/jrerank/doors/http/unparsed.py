"""What has been read of all connections and not parsed yet: bounded, whoever sends it, since nobody has shown a key by then."""

from __future__ import annotations

import asyncio
import socket
import sys

# What is read at once, and how little where much has been read already: a small request still comes in one piece
_READ_BYTES, _LEAST_READ_BYTES = 64 * 1024, 4 * 1024
# Of Linux' `tcp_info.tcpi_state`: the other side has closed, or both have
_CLOSED_STATES = frozenset({7, 8})


class UnparsedBytes:
    """Counts them, and has the one buffer that all connections are read into, one after the other.

    Beyond `max_bytes` only a little is read of each connection, and no more until it has been parsed: who can't be parsed yet waits
    in the system's buffers, where a client that goes on sending is held up.
    """

    def __init__(self, max_bytes: int = 16 * 1024 * 1024) -> None:
        self._max_bytes = max_bytes
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self.count = 0

    @property
    def are_many(self) -> bool:
        """Whether nothing more should be read."""
        return self.count >= self._max_bytes

    def buffer(self) -> memoryview:
        """For one read, which has to be over before the next one."""
        return self._buffer[:_LEAST_READ_BYTES] if self.are_many else self._buffer

    def read(self, size: int) -> bytes:
        """What has been read."""
        return bytes(self._buffer[:size])

    def add(self, size: int) -> None:
        """So many more are kept, or fewer."""
        self.count += size


def has_hung_up(transport: asyncio.BaseTransport) -> bool:
    """Whether the client has closed the connection: asyncio doesn't notice while nothing is read. Known on Linux only."""
    connection = transport.get_extra_info("socket")
    if connection is None or sys.platform != "linux":
        return False
    try:
        (state,) = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    except OSError:  # it is of another kind, or closed
        return False
    return state in _CLOSED_STATES
