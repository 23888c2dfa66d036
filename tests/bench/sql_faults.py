"""How much longer than its timeout a statement takes while the sidecar is stopped, or the network drops what is sent."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from integration.postgres.installed import Installed
from integration.postgres.sidecar import Address, RestartableSidecar

ALLOWED_MS, TIMEOUTS_MS = 100, (300, 1000)
ONE = "SELECT count(*), count(score) FROM jrerank.rerank('山' || {number}, ARRAY['山', '川'], timeout_ms => {timeout})"
LATERAL = (
    "SELECT count(*), count(r.score) FROM generate_series(1, 10) g,"
    " LATERAL jrerank.rerank('山' || {number} || g, ARRAY['山', '川'], timeout_ms => {timeout}) r"
)
CALLS = {"one call": ONE, "LATERAL of 10": LATERAL}
CUT_OFF_REMEMBERED = {"15 dblink", "18 dblink"}
Connection = psycopg.Connection[tuple[Any, ...]]
Call = Callable[[Connection], float]


@contextmanager
def deaf_port() -> Iterator[Address]:
    """A port whose queue is full, so that the kernel drops what comes: as a network does that is cut."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", full.getsockname()[1]))
        yield Address(f"http://127.0.0.1:{full.getsockname()[1]}", full.getsockname()[1])


def point_to(installed: Installed, address: Address) -> None:
    """Let the server lead elsewhere."""
    with installed.database.connect() as admin:
        admin.execute(
            f"ALTER SERVER jrerank OPTIONS (SET url '{address.url}', SET port '{address.pgwire_port}')"
        )


def over_ms(connection: Connection, call: str, timeout: int, number: int) -> float:
    """Beyond its timeout; the rows have come back without a score."""
    started = time.perf_counter()
    row = connection.execute(call.format(number=number, timeout=timeout).encode()).fetchone()
    assert row is not None
    assert row[0] in {2, 20}
    assert row[1] == 0, "it was answered"
    return 1000 * (time.perf_counter() - started) - timeout


def assert_works(connection: Connection) -> None:
    """The next call is well."""
    row = connection.execute(ONE.format(number=0, timeout=30_000).encode()).fetchone()
    assert row == (2, 2), row


def faults(ways: dict[str, Installed], folder: Path, rounds: int) -> Iterator[tuple[str, dict[str, float]]]:
    """For each way its name, and by how many milliseconds its slowest call took longer than its timeout, for each case."""
    running = RestartableSidecar(folder)
    running.start()
    try:
        for name, installed in ways.items():
            point_to(installed, running.address)
            _warm_up(installed)
            with deaf_port() as deaf:
                faults = {
                    "stopped": partial(_stopped, installed, running),
                    "SYNs dropped": partial(
                        _cut_off, installed, running, deaf, remembers=name in CUT_OFF_REMEMBERED
                    ),
                }
                yield (
                    name,
                    {
                        f"{fault}, {kind}": max(_overs(cause, statement, rounds))
                        for fault, cause in faults.items()
                        for kind, statement in CALLS.items()
                    },
                )
    finally:
        running.kill()


def _warm_up(installed: Installed) -> None:
    """A server's first session reads its catalog."""
    with installed.connect() as connection:
        assert_works(connection)


def _overs(cause: Callable[[Call], float], statement: str, rounds: int) -> Iterator[float]:
    """Each of a session of its own, with the timeouts in turn."""
    for number, timeout in zip(range(rounds), itertools.cycle(TIMEOUTS_MS)):
        yield cause(partial(over_ms, call=statement, timeout=timeout, number=number))


def _stopped(installed: Installed, running: RestartableSidecar, call: Call) -> float:
    running.freeze()
    try:
        with installed.connect() as connection:
            over = call(connection)
            running.thaw()
            assert_works(connection)
    finally:
        running.thaw()
    return over


def _cut_off(
    installed: Installed, running: RestartableSidecar, deaf: Address, call: Call, *, remembers: bool
) -> float:
    """`remembers`: the session doesn't try again for 3 s, so that its next call is none to look at."""
    point_to(installed, deaf)
    with installed.connect() as connection:
        over = call(connection)
        point_to(installed, running.address)
        if not remembers:
            assert_works(connection)
    return over
