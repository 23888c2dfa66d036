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
def database() -> Iterator[Callable[..., str]]:
    """Makes a database with a schema: its connection string."""
    with embedded_postgres() as uri:

        def made(schema: str, encoding: str = "UTF8") -> str:
            name = f"bulk_{next(_NUMBERS)}"
            with psycopg.connect(uri, autocommit=True) as connection:
                how = f"encoding '{encoding}' template template0 locale 'C'"
                connection.execute(f"create database {name} {how}".encode())
            dsn = make_conninfo(uri, dbname=name)
            with psycopg.connect(dsn, autocommit=True, client_encoding="utf8") as connection:
                connection.execute(schema.encode())
            return dsn

        yield made
