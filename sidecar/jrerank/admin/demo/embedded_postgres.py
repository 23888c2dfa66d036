"""A PostgreSQL of our own, from a package: version 18 with the extensions `http`, `vector` and `pg_textsearch`."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def embedded_postgres() -> Iterator[str]:
    """Start it in a temporary folder: the superuser's connection string. It is removed at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs complains of XDG_RUNTIME_DIR on import
        import pgserver
    import psycopg

    with tempfile.TemporaryDirectory(prefix="jrerank-postgres-") as folder:
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")  # nothing of it outlives this process
                connection.execute("SELECT pg_reload_conf()")
            yield server.get_uri()
        finally:
            server.cleanup()
