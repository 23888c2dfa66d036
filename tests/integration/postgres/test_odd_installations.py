"""Databases that an administrator has arranged otherwise: each reranks, or says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from integration.postgres.conftest import Way
from integration.postgres.installed import APP
from integration.postgres.servers import Database
from integration.postgres.sidecar import API_KEY, KeyedSidecar
from jrerank.admin.app import app

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


@pytest.fixture
def setup(way: Way, sidecar: KeyedSidecar, tmp_path: Path) -> list[str]:
    """The command, with both addresses."""
    (tmp_path / "key").write_text(API_KEY)
    addresses = ["--url", sidecar.running.url, "--pgwire", f"127.0.0.1:{sidecar.pgwire_port}"]
    return ["setup", *addresses, "--key-file", str(tmp_path / "key"), "--transport", way.transport]


def run(database: Database, *arguments: str, user: str = "postgres") -> Result:
    return CliRunner().invoke(app, ["postgres", "--dsn", database.dsn(user), *arguments])


def assert_told(database: Database, result: Result, obstacle: str) -> None:
    """By `setup`, `status` and `rerank_status()` in the same words."""
    assert (result.exit_code, result.stderr.count("\n")) == (3, 1), result.output
    assert obstacle in result.stderr
    assert obstacle in run(database, "status").stdout
    with database.connect() as admin:
        assert obstacle in detail(admin)


def test_setup_says_what_a_schema_of_its_own_needs(
    way: Way, database_of_way: Database, setup: list[str]
) -> None:
    with database_of_way.connect() as admin:
        admin.execute(f"DROP SCHEMA public; CREATE SCHEMA net; CREATE EXTENSION {way.transport} SCHEMA net")
        admin.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA net FROM PUBLIC")
        for missing in (
            "GRANT USAGE ON SCHEMA net TO jrerank_owner",
            "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA net TO jrerank_owner",
        ):
            said = missing
            if "EXECUTE" in missing and way.transport == "http":
                said = "GRANT EXECUTE ON FUNCTION net.http(net.http_request) TO jrerank_owner"
            assert_told(database_of_way, run(database_of_way, *setup), said)
            admin.execute(missing)
    assert run(database_of_way, *setup).exit_code == 0
    assert "FAIL" not in run(database_of_way, "status").stdout


def test_another_encoding_is_told(way: Way, setup: list[str]) -> None:
    database = Database(way.server, f"euc_{way.transport}")
    with way.server.connect() as admin:
        admin.execute(
            f"CREATE DATABASE {database.name} ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )
    assert_told(database, run(database, *setup), "the encoding of the database is not UTF8")
    with way.server.connect() as admin:
        admin.execute(f"DROP DATABASE {database.name} WITH (FORCE)")


def test_an_owner_of_the_database_who_may_not_hand_on_the_role_is_told_who_may(
    way: Way, database_of_way: Database, setup: list[str]
) -> None:
    owner = f"owner_{database_of_way.name}"
    with database_of_way.connect() as admin:
        admin.execute(f"CREATE ROLE {owner} LOGIN; ALTER DATABASE {database_of_way.name} OWNER TO {owner}")
        admin.execute(f"CREATE EXTENSION {way.transport}; CREATE EXTENSION IF NOT EXISTS jrerank")
        admin.execute("DROP EXTENSION jrerank")  # the roles are there from now on, and of somebody else
        if admin.execute("SELECT FROM pg_roles WHERE rolname = %s", (APP,)).fetchone() is None:
            admin.execute(f"CREATE ROLE {APP} LOGIN")
    refused = run(database_of_way, *setup, "--role", APP, user=owner)
    assert (refused.exit_code, f"GRANT jrerank_user TO {APP}" in refused.stderr) == (3, True), refused.output
    assert run(database_of_way, *setup, user=owner).exit_code == 0
    assert "FAIL" not in run(database_of_way, "status", user=owner).stdout
    with database_of_way.connect() as admin:
        admin.execute(f"ALTER DATABASE {database_of_way.name} OWNER TO postgres")
        admin.execute(f"DROP OWNED BY {owner} CASCADE; DROP ROLE {owner}")


def test_a_server_that_has_gone_is_told(database_of_way: Database, setup: list[str]) -> None:
    assert run(database_of_way, *setup).exit_code == 0
    with database_of_way.connect() as admin:
        admin.execute("DROP SERVER jrerank CASCADE")
        admin.execute("SET jrerank.transport = 'dblink'")
    assert "there is no server jrerank" in run(database_of_way, "status").stdout
    assert run(database_of_way, *setup).exit_code == 0
    assert "FAIL" not in run(database_of_way, "status").stdout
