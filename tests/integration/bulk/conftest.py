"""One PostgreSQL for all of them, a database for each module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from jrerank.admin.demo.embedded_postgres import embedded_postgres

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def database() -> Iterator[Callable[[str], str]]:
    """Makes a database with a schema: its connection string."""
    with embedded_postgres() as uri:

        def made(schema: str) -> str:
            name = f"bulk_{next(_NUMBERS)}"
            with psycopg.connect(uri, autocommit=True) as connection:
                connection.execute(f"create database {name}".encode())
            dsn = make_conninfo(uri, dbname=name)
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(schema.encode())
            return dsn

        yield made
