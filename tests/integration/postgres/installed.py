"""The extension in a database, as an administrator sets it up, and an application that uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from integration.postgres.servers import Database
from integration.postgres.sidecar import API_KEY, Address
from jrerank.admin.postgres.loopback import loopback_step

APP = "app"

_SERVER = """
CREATE SERVER jrerank FOREIGN DATA WRAPPER jrerank OPTIONS (url {url}, host '127.0.0.1', port {port}, connect_timeout '2');
GRANT USAGE ON FOREIGN SERVER jrerank TO jrerank_owner;
CREATE USER MAPPING FOR jrerank_owner SERVER jrerank OPTIONS (user 'jrerank', password {key});
GRANT jrerank_user TO app;
ALTER DATABASE {database} SET jrerank.transport = {transport};
ALTER DATABASE {database} SET jrerank.status = 'session';
"""


@dataclass(frozen=True)
class Installed:
    """A database with the extension, that asks by one transport."""

    database: Database
    transport: str

    def connect(self) -> psycopg.Connection[Any]:
        """As the application, which may call the functions and no more."""
        return self.database.connect(APP)


def install(database: Database, transport: str, address: Address, key: str = API_KEY) -> Installed:
    """What README.md says an administrator does."""
    with database.connect() as admin:
        if admin.execute("SELECT FROM pg_roles WHERE rolname = 'app'").fetchone() is None:
            admin.execute("CREATE ROLE app LOGIN")
        admin.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(transport)))
        admin.execute("CREATE EXTENSION jrerank")
        admin.execute(
            sql.SQL(_SERVER).format(
                url=address.url,
                port=str(address.pgwire_port),
                key=key,
                transport=transport,
                database=sql.Identifier(database.name),
            )
        )
    return Installed(database, transport)


def add_loopback(database: Database) -> None:
    """What `setup --loopback` makes, on a server that asks its role for a password."""
    with database.connect() as admin:
        admin.execute(loopback_step("jrerank_owner", "jrerank").statement)
        row = admin.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
    assert row is not None
    database.server.want_password(f"jrerank_loopback_{row[0]}")


def status(connection: psycopg.Connection[Any]) -> tuple[str, str | None]:
    """Outcome and reason of the last call."""
    row = connection.execute("SELECT outcome, reason FROM jrerank.rerank_status()").fetchone()
    assert row is not None
    return row[0], row[1]
