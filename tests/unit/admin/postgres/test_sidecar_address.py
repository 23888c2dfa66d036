"""The sidecar as the database reaches it."""

from __future__ import annotations

import pytest

from jrerank.admin.postgres.sidecar_address import read_address
from jrerank.errors import InvalidInput


def test_each_transport_has_its_own_options() -> None:
    address = read_address("https://rerank.example/", "10.0.0.7:5433", "verify-full", "/etc/ca.pem")
    assert address.http_options() == {"url": "https://rerank.example"}
    assert address.dblink_options() == {
        "host": "10.0.0.7",
        "port": "5433",
        "sslmode": "verify-full",
        "sslrootcert": "/etc/ca.pem",
        "connect_timeout": "2",
        "tcp_user_timeout": "2000",
    }


def test_an_ipv6_address_may_stand_in_brackets() -> None:
    address = read_address(None, "[::1]:5433", None, None)
    assert (address.host, address.port, address.http_options()) == ("::1", 5433, {})


@pytest.mark.parametrize(
    "url", ["", "10.0.0.7", "ftp://a", "http://", "http://me@a", "http://a?b=c", "http://[x", "http://a:abc"]
)
def test_a_url_is_the_sidecars_base(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"--url .* must be like http://"):
        read_address(url, None, None, None)


@pytest.mark.parametrize("pgwire", ["", "a", "a:", ":5433", "a:x", "a:70000", "a b:5433"])
def test_the_door_is_a_host_and_a_port(pgwire: str) -> None:
    with pytest.raises(InvalidInput, match=r"--pgwire .* must be HOST:PORT"):
        read_address(None, pgwire, None, None)


def test_one_of_both_is_needed() -> None:
    with pytest.raises(InvalidInput, match="name the sidecar"):
        read_address(None, None, None, None)
