"""Databases that an administrator has arranged otherwise: each reranks, or says what to do."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from integration.postgres.conftest import Way
from integration.postgres.servers import Database
from integration.postgres.sidecar import API_KEY, KeyedSidecar

CALL = "SELECT index FROM jrerank.rerank('富士山', ARRAY['山', '川'], timeout_ms => 20000)"
LONG_NAME = "a_server_whose_name_has_as_many_letters_as_postgresql_can_take_in"[:63]
OPTIONS = "OPTIONS (url '{url}', host '127.0.0.1', port '{port}', connect_timeout '2')"


def detail(connection: psycopg.Connection[Any]) -> str:
    """What `rerank_status` says of a call: its reason and its detail, or its outcome where all is well."""
    with connection.transaction():
        connection.execute(CALL)
        row = connection.execute("SELECT outcome, reason, detail FROM jrerank.rerank_status()").fetchone()
    assert row is not None
    return row[0] if row[1] is None else f"{row[1]}: {row[2]}"


@pytest.fixture
def bare(way: Way, database_of_way: Database) -> Database:
    """Without `public`, and with the transport's extension in a schema of its own that is closed to all."""
    with database_of_way.connect() as admin:
        admin.execute("DROP SCHEMA public; CREATE SCHEMA net")
        admin.execute(f"CREATE EXTENSION {way.transport} SCHEMA net")
        admin.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA net FROM PUBLIC")
        admin.execute("CREATE EXTENSION jrerank SCHEMA pg_catalog")
        admin.execute(f"ALTER DATABASE {database_of_way.name} SET jrerank.transport = '{way.transport}'")
    return database_of_way


def test_what_is_missing_is_named_until_it_is_there(bare: Database, way: Way, sidecar: KeyedSidecar) -> None:
    url, port = sidecar.running.url, sidecar.pgwire_port
    with bare.connect() as admin:
        if way.transport == "dblink":
            assert "there is no server jrerank: CREATE SERVER" in detail(admin)
        admin.execute(
            f"CREATE SERVER jrerank FOREIGN DATA WRAPPER jrerank {OPTIONS.format(url=url, port=port)}"
        )
        admin.execute("GRANT USAGE ON FOREIGN SERVER jrerank TO jrerank_owner")
        admin.execute(
            f"CREATE USER MAPPING FOR jrerank_owner SERVER jrerank OPTIONS (user 'x', password '{API_KEY}')"
        )
        said = detail(admin)
        assert f"jrerank_owner may not use the schema of {way.transport}: GRANT USAGE ON SCHEMA net" in said
        admin.execute("GRANT USAGE ON SCHEMA net TO jrerank_owner")
        assert "GRANT EXECUTE" in detail(admin)
        admin.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA net TO jrerank_owner")
        assert detail(admin) == "complete"


def test_a_server_may_have_a_long_name(bare: Database, sidecar: KeyedSidecar) -> None:
    options = OPTIONS.format(url=sidecar.running.url, port=sidecar.pgwire_port)
    with bare.connect() as admin:
        admin.execute(f"CREATE SERVER {LONG_NAME} FOREIGN DATA WRAPPER jrerank {options}".encode())
        admin.execute(f"GRANT USAGE ON FOREIGN SERVER {LONG_NAME} TO jrerank_owner".encode())
        admin.execute(
            f"CREATE USER MAPPING FOR jrerank_owner SERVER {LONG_NAME} OPTIONS (user 'x', password '{API_KEY}')".encode()
        )
        admin.execute("GRANT USAGE ON SCHEMA net TO jrerank_owner")
        admin.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA net TO jrerank_owner")
        admin.execute(f"SET jrerank.server = '{LONG_NAME}'".encode())
        for _ in range(2):
            assert detail(admin) == "complete"
