"""What it costs to collect hits: each is added to those that there are, not copied with them."""

from __future__ import annotations

from pathlib import Path

import psycopg

from integration.postgres.servers import Database

HIT = "jrerank.hit(g, repeat('山', 100), 1.0 / g)"
COLLECTED = f"jrerank.hits({HIT} ORDER BY g)"
COPIED = "jrerank.hits(g, repeat('山', 100), 1.0 / g ORDER BY g)"
BY_POSTGRES = f"array_agg({HIT} ORDER BY g)"
Connection = psycopg.Connection[tuple[object, ...]]


def collected(connection: Connection, form: str, hits: int) -> object:
    """The hits, as text."""
    statement = f"SELECT ({form})::text FROM generate_series(1, {hits}) g"
    return connection.execute(statement.encode()).fetchall()


def cpu_ms(connection: Connection, form: str, hits: int) -> float:
    """The least of the server's processor time in five runs."""
    clock = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    times = []
    for _ in range(5):
        before = int(clock.read_text().split()[0])
        connection.execute(f"SELECT {form} IS NULL FROM generate_series(1, {hits}) g".encode())
        times.append(int(clock.read_text().split()[0]) - before)
    return min(times) / 1e6


def test_it_takes_no_longer_than_postgresql_takes_for_an_array(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE EXTENSION jrerank")
        for hits in (1_000, 8_000):
            assert cpu_ms(connection, COLLECTED, hits) < 2 * cpu_ms(connection, BY_POSTGRES, hits)
        assert cpu_ms(connection, COLLECTED, 1_000) < cpu_ms(connection, COPIED, 1_000) / 5


def test_both_forms_collect_the_same(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE EXTENSION jrerank")
        assert collected(connection, COLLECTED, 3) == collected(connection, COPIED, 3)
