"""Bytes that wait in the system."""

from __future__ import annotations

import socket
import sys

import pytest

from bench.soak.sockets import dropped, waiting_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="as Linux tells it")


def test_what_nobody_reads_is_found_on_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, listener.accept()[0]:
            assert waiting_bytes(port) == []
            client.sendall(b"a" * 100)
            (found,) = waiting_bytes(port)
            assert found == f"{port}->{client.getsockname()[1]} state 01 0 100 0"


def test_what_was_dropped_is_counted() -> None:
    assert set(dropped()) == {"ListenOverflows", "ListenDrops", "TCPTimeouts"}
