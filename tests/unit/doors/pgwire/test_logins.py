"""Who makes room when too many are logging in."""

from __future__ import annotations

import pytest

from jrerank.doors.pgwire.logins import Logins, PendingLogin


def begin(logins: Logins, address: str, room: int, stopped: list[PendingLogin]) -> PendingLogin:
    pending = logins.begin(address, room)
    pending.stop = lambda: stopped.append(pending)
    return pending


def test_the_oldest_goes_first() -> None:
    logins, stopped = Logins(), list[PendingLogin]()
    all_of_them = [begin(logins, "10.0.0.1", 3, stopped) for _ in range(5)]
    assert stopped == all_of_them[:2]
    assert [one.displaced for one in all_of_them] == [True, True, False, False, False]
    assert len(logins) == 3


def test_who_opens_many_displaces_only_their_own() -> None:
    logins, stopped = Logins(), list[PendingLogin]()
    honest = begin(logins, "10.0.0.1", 4, stopped)
    for _ in range(100):
        begin(logins, "10.0.0.66", 4, stopped)
    late = begin(logins, "10.0.0.2", 4, stopped)
    assert not honest.displaced
    assert not late.displaced
    assert {one.origin for one in stopped} == {"10.0.0.66"}


def test_who_has_logged_in_or_gone_makes_room() -> None:
    logins, stopped = Logins(), list[PendingLogin]()
    for _ in range(10):
        pending = begin(logins, "10.0.0.1", 1, stopped)
        logins.end(pending)
        logins.end(pending)
    assert (len(logins), stopped) == (0, [])


def test_fewer_places_than_logins_end_several() -> None:
    logins, stopped = Logins(), list[PendingLogin]()
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
        begin(logins, address, 10, stopped)
    begin(logins, "10.0.0.4", 1, stopped)
    assert (len(stopped), len(logins)) == (3, 1)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("no:address", "no:address"),
        ("", ""),
    ],
)
def test_an_ipv6_host_is_one_origin_whichever_of_its_addresses_it_takes(address: str, origin: str) -> None:
    assert Logins().begin(address, 1).origin == origin
