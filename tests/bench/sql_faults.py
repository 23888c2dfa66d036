"""How much longer than its timeout a statement takes while the sidecar is stopped, or the network drops what is sent."""

from __future__ import annotations

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
Connection = psycopg.Connection[tuple[Any, ...]]


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


def faults(ways: dict[str, Installed], folder: Path, rounds: int) -> Iterator[tuple[str, list[float]]]:
    """For each case its name, and by how many milliseconds each round took longer than the timeout."""
    running = RestartableSidecar(folder)
    running.start()
    try:
        for name, installed in ways.items():
            point_to(installed, running.address)
            yield from _stopped(name, installed, running, rounds)
            with deaf_port() as deaf:
                point_to(installed, deaf)
                yield from _cases(f"{name}, SYNs dropped, fresh", rounds, partial(_fresh, installed))
    finally:
        running.kill()


def _stopped(
    name: str, installed: Installed, running: RestartableSidecar, rounds: int
) -> Iterator[tuple[str, list[float]]]:
    def fresh(call: Callable[[Connection], float]) -> float:
        running.freeze()
        try:
            with installed.connect() as connection:
                over = call(connection)
                running.thaw()
                assert_works(connection)
        finally:
            running.thaw()
        return over

    def open_before(call: Callable[[Connection], float]) -> float:
        with installed.connect() as connection:
            assert_works(connection)
            running.freeze()
            try:
                over = call(connection)
            finally:
                running.thaw()
            assert_works(connection)
        return over

    yield from _cases(f"{name}, stopped, fresh", rounds, fresh)
    yield from _cases(f"{name}, stopped, open", rounds, open_before)


def _fresh(installed: Installed, call: Callable[[Connection], float]) -> float:
    with installed.connect() as connection:
        return call(connection)


def _cases(
    name: str, rounds: int, run: Callable[[Callable[[Connection], float]], float]
) -> Iterator[tuple[str, list[float]]]:
    for kind, statement in CALLS.items():
        for timeout in TIMEOUTS_MS:
            calls = [
                partial(over_ms, call=statement, timeout=timeout, number=number)
                for number in range(1, rounds + 1)
            ]
            yield f"{name}, {kind}, {timeout} ms", [run(call) for call in calls]
