"""How many connections are taken from the backlog in one round."""

from __future__ import annotations

import contextlib
import socket
import sys

import pytest

from jrerank.doors.accepting import accepted_at_once, rounds_to_accept


@pytest.mark.parametrize(("open_files", "connections"), [(2**31, 16), (256, 16), (100, 12), (4, 1)])
def test_where_few_files_may_be_open_few_connections_are_accepted_at_once(
    open_files: int, connections: int
) -> None:
    assert accepted_at_once(open_files) == connections


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
@pytest.mark.parametrize(("waiting", "rounds"), [(0, 0), (1, 1), (16, 1), (17, 2)])
def test_who_waits_to_be_accepted_is_counted(waiting: int, rounds: int) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener, contextlib.ExitStack() as clients:
        for _ in range(waiting):
            clients.enter_context(socket.create_connection(listener.getsockname(), 5))
        assert rounds_to_accept(listener, 16) == rounds
