"""Who makes room where there are as many connections as there may be: whoever has gone longest without a request under way.

Else anybody could keep everybody out with connections that say nothing, and need no key for it. Web servers do the same
(nginx' `worker_connections`).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from itertools import islice
from typing import Protocol

# So many are looked at for one whose answer has gone out
_LOOKED_AT = 16


class Connection(Protocol):
    """What is known of one."""

    transport: asyncio.Transport


class IdleConnections:
    """Those that wait for a first request or for another one, in the order in which they began to."""

    def __init__(self) -> None:
        self._idle: OrderedDict[Connection, None] = OrderedDict()

    def add(self, connection: Connection) -> None:
        """It waits from now on."""
        self._idle[connection] = None
        self._idle.move_to_end(connection)

    def discard(self, connection: Connection) -> None:
        """It has a request, or has ended."""
        self._idle.pop(connection, None)

    def longest(self, newest: Connection) -> Connection:
        """The one that has waited longest and whose client has no answer left to read, where that is found soon; else `newest`."""
        read = (one for one in islice(self._idle, _LOOKED_AT) if not one.transport.get_write_buffer_size())
        return next(read, newest)
