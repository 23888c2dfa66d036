"""Ports for servers that are started here."""

from __future__ import annotations

import contextlib
import random
import socket

# Linux gives those from 32768 on to connections, and to whoever binds to none in particular. A connection keeps its port for
# a minute after its end, and nobody else can listen on it until then
_NOT_EPHEMERAL = range(20_000, 30_000)
# By this process, whose servers may not listen yet
_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on, and that no connection gets while what is to listen there is started, once or again.

    Another one each time.
    """
    left = [port for port in _NOT_EPHEMERAL if port not in _given]
    for port in random.sample(left, len(left)):
        with contextlib.suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            _given.add(port)
            return port
    raise OSError(f"none of the ports {_NOT_EPHEMERAL.start} to {_NOT_EPHEMERAL.stop - 1} is free")


def share_with(processes: int, place: int) -> None:
    """Give only one port in so many: the other processes that start servers here have the rest, each from a place of its own."""
    _given.update(port for port in _NOT_EPHEMERAL if port % processes != place)
