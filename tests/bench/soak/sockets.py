"""What the system knows of a port's connections: where bytes wait when an answer doesn't come."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

MOST_SHOWN = 12
_COUNTERS = ("ListenOverflows", "ListenDrops", "TCPTimeouts")


def waiting_bytes(port: int, table: Path = Path("/proc/net/tcp")) -> list[str]:
    """Connections of which either side has bytes to send or to read: `client->server state unsent unread retransmits`."""
    found = []
    for line in table.read_text().splitlines()[1:]:
        fields = line.split()
        ports = [int(end.rpartition(":")[2], 16) for end in fields[1:3]]
        unsent, unread = (int(size, 16) for size in fields[4].split(":"))
        if port in ports and (unsent or unread or int(fields[6], 16)):
            found.append(f"{ports[0]}->{ports[1]} state {fields[3]} {unsent} {unread} {int(fields[6], 16)}")
    return found[:MOST_SHOWN]


def dropped(statistics: Path = Path("/proc/net/netstat")) -> dict[str, int]:
    """Connections that the system dropped because nobody accepted them, and packets that it sent again, since it started."""
    names, values = [
        line.split() for line in statistics.read_text().splitlines() if line.startswith("TcpExt:")
    ]
    return _chosen(names[1:], [int(value) for value in values[1:]])


def _chosen(names: Sequence[str], values: Sequence[int]) -> dict[str, int]:
    return {name: value for name, value in zip(names, values, strict=True) if name in _COUNTERS}
