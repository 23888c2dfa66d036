"""A port stays free until it is used."""

from __future__ import annotations

import socket

import pytest

from jrerank.admin import ports
from jrerank.admin.ports import free_port, share_with


def test_no_connection_gets_it() -> None:
    """Whose port can't be bound for a minute after its end, by however short it was. Linux's own range, which a host may widen."""
    assert all(1024 < free_port() < 32768 for _ in range(20))


def test_none_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr(ports, "_NOT_EPHEMERAL", range(port, port + 1))
    with pytest.raises(OSError, match="none of the ports"):
        free_port()


def test_it_is_not_one_that_somebody_listens_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        monkeypatch.setattr(ports, "_given", set())
        monkeypatch.setattr(ports, "_NOT_EPHEMERAL", range(port, port + 1))
        with pytest.raises(OSError, match="none of the ports"):
            free_port()


def test_processes_that_share_them_get_different_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_given", set())
    share_with(processes=3, place=1)
    assert {free_port() % 3 for _ in range(20)} == {1}
