"""How connections come in: as many as wait their turn, and a few in each round of the event loop."""

from __future__ import annotations

import socket
import sys

BACKLOG = 2048
# In one round of the event loop: asyncio accepts as many as its backlog. They count as connections only in the next one. Each takes
# a tenth of a millisecond, and a request that is being answered, or a login, waits for some rounds
_MOST_ACCEPTED = 16
# Of the open files, so that these are not too many
_ACCEPTED_SHARE = 8
# Where Linux' `tcp_info` has `tcpi_unacked`, which is the number of those who wait if the socket listens
_UNACKED_END = 28


def accepted_at_once(open_files: int) -> int:
    """Without a file left asyncio writes an error with its traceback for each connection that it would still have accepted."""
    return max(1, min(_MOST_ACCEPTED, open_files // _ACCEPTED_SHARE))


def rounds_to_accept(listener: socket.socket, at_once: int) -> int:
    """Rounds of the event loop that it takes to let in those who wait now. Linux alone tells how many they are; elsewhere none."""
    if sys.platform != "linux":
        return 0
    try:
        tcp_info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKED_END)
    except OSError:  # a network stack of another make
        return 0
    waiting = int.from_bytes(tcp_info[_UNACKED_END - 4 :], sys.byteorder)
    return -(-waiting // at_once)


def most_open_files() -> int:
    """How many files the process may have open."""
    if sys.platform == "win32":
        return 2**31
    import resource  # noqa: PLC0415  Unix only

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**31 if soft == resource.RLIM_INFINITY else soft  # Linux writes it as -1
