"""Connections that have not proved who they are: where there are too many, the oldest make room for the next."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field

# An IPv6 host has a whole network of addresses to itself
_IPV6_HOST_BITS = 64


@dataclass(eq=False, slots=True)
class PendingLogin:
    """A connection before its login. `stop` ends it; `displaced` says that it had to make room."""

    origin: str
    stop: Callable[[], object] = field(default=lambda: None)
    displaced: bool = False


class Logins:
    """The logins under way, by where they come from, oldest first.

    Whoever opens connections and stays silent displaces only connections of their own, as long as theirs are the most; and an
    honest login, which takes milliseconds, is done long before it is the oldest.
    """

    def __init__(self) -> None:
        self._by_origin: dict[str, dict[PendingLogin, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def begin(self, address: str, room: int) -> PendingLogin:
        """Take one more connection from `address`; there are at most `room` then, which is at least one."""
        while self._count >= room:
            self._displace_one()
        pending = PendingLogin(_origin(address))
        self._by_origin.setdefault(pending.origin, {})[pending] = None
        self._count += 1
        return pending

    def end(self, pending: PendingLogin) -> None:
        """It has logged in, or gone; nothing happens at the second call."""
        of_origin = self._by_origin.get(pending.origin, {})
        if pending in of_origin:
            del of_origin[pending]
            self._count -= 1
        if not of_origin:
            self._by_origin.pop(pending.origin, None)

    def _displace_one(self) -> None:
        """The oldest one of the origin that has the most."""
        most = max(self._by_origin.values(), key=len)
        oldest = next(iter(most))
        oldest.displaced = True
        self.end(oldest)
        oldest.stop()


def _origin(address: str) -> str:
    if ":" not in address:
        return address
    try:
        host = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if host.ipv4_mapped is not None:
        return str(host.ipv4_mapped)
    return str(ipaddress.IPv6Network((host, _IPV6_HOST_BITS), strict=False))
