"""A port stays free until it is used."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from jrerank.admin import ports
from jrerank.admin.ports import free_port


def test_no_connection_gets_it() -> None:
    """Whose port can't be bound for a minute after its end, by however short it was."""
    ephemeral = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(ephemeral.read_text().split()[0]) if ephemeral.exists() else 32768
    assert all(1024 < free_port() < lowest for _ in range(20))


def test_it_is_not_one_that_somebody_listens_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "_NOT_EPHEMERAL", range(port, port + 1))
        with pytest.raises(OSError, match="none of the ports"):
            free_port()
