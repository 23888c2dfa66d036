"""Installing, upgrading and removing: as an extension, and by hand where no file can be placed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from integration.postgres.extensions import SQL
from integration.postgres.servers import Database, PostgresServer

SCRIPT = SQL / "jrerank--0.2.0.sql"
NEXT_VERSION = """
CREATE OR REPLACE FUNCTION jrerank.version() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '0.2.1'::pg_catalog.text $$;
"""
CALL = "SELECT index FROM jrerank.rerank('q', ARRAY['a', 'b'])"


def by_hand(database: Database, script: Path, user: str) -> str:
    return database.server.psql("-1", "-q", "-f", str(script), database=database.name, user=user)


def rows(database: Database, query: str, user: str = "postgres") -> list[tuple[object, ...]]:
    with database.connect(user) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def next_version(database: Database) -> Iterator[Path]:
    """The script to a version after this one, where the server finds it."""
    script = database.server.extensions / "jrerank--0.2.0--0.2.1.sql"
    script.write_text(NEXT_VERSION)
    yield script
    script.unlink()


@pytest.fixture
def role(database: Database, request: pytest.FixtureRequest) -> Iterator[str]:
    """A role that is no superuser, and owns the database."""
    options = getattr(request, "param", "")
    _drop_roles(database, "somebody")
    with database.server.connect() as admin:
        admin.execute(f"CREATE ROLE somebody LOGIN {options}")
        admin.execute(f"ALTER DATABASE {database.name} OWNER TO somebody")
        yield "somebody"
    with database.connect() as admin:
        admin.execute(f"ALTER DATABASE {database.name} OWNER TO postgres")
    _drop_roles(database, "somebody")


def _drop_roles(database: Database, *names: str) -> None:
    with database.connect() as admin:
        for name in names:
            if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone():
                admin.execute(f"DROP OWNED BY {name} CASCADE")
                admin.execute(f"DROP ROLE {name}")


@pytest.fixture
def without_roles(database: Database) -> Iterator[None]:
    """No other database has made the roles."""
    _drop_roles(database, "jrerank_owner", "jrerank_user")
    yield
    _drop_roles(database, "jrerank_owner", "jrerank_user")


def test_an_extension_that_needs_no_superuser(database: Database, without_roles: None, role: str) -> None:
    with database.connect(role) as owner:
        owner.execute("CREATE EXTENSION jrerank")
        owner.execute("CREATE SERVER jrerank FOREIGN DATA WRAPPER jrerank OPTIONS (url 'http://127.0.0.1:1')")
        owner.execute("GRANT USAGE ON FOREIGN SERVER jrerank TO jrerank_owner")
        owner.execute("CREATE USER MAPPING FOR jrerank_owner SERVER jrerank OPTIONS (user 'x', password 'y')")
        owner.execute("GRANT jrerank_user TO somebody")
        assert owner.execute(CALL).fetchall() == [(1,), (2,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("SET ROLE jrerank_owner")
        owner.execute("DROP EXTENSION jrerank CASCADE")
        assert owner.execute("SELECT FROM pg_namespace WHERE nspname = 'jrerank'").fetchall() == []


def test_the_next_version_by_alter_extension(database: Database, next_version: Path) -> None:
    with database.connect() as admin:
        admin.execute("CREATE EXTENSION jrerank")
        assert admin.execute("SELECT jrerank.version()").fetchone() == ("0.2.0",)
        admin.execute("ALTER EXTENSION jrerank UPDATE TO '0.2.1'")
        assert admin.execute("SELECT jrerank.version()").fetchone() == ("0.2.1",)
        assert admin.execute("SELECT extversion FROM pg_extension WHERE extname = 'jrerank'").fetchone() == (
            "0.2.1",
        )
        assert admin.execute(CALL).fetchall() == [(1,), (2,)]
        assert _rights(database)


def _rights(database: Database) -> bool:
    """What a CREATE OR REPLACE must not change."""
    [(public, owner)] = rows(
        database,
        "SELECT bool_or(has_function_privilege('public', oid, 'EXECUTE')),"
        " bool_and(proowner = 'jrerank_owner'::regrole) FILTER (WHERE prosecdef)"
        " FROM pg_proc WHERE pronamespace = 'jrerank'::regnamespace",
    )
    return owner is True and public is False


def test_by_hand_as_a_superuser(database: Database, next_version: Path) -> None:
    by_hand(database, SCRIPT, "postgres")
    assert rows(database, CALL) == [(1,), (2,)]
    by_hand(database, next_version, "postgres")
    assert rows(database, "SELECT jrerank.version()") == [("0.2.1",)]
    assert _rights(database)


@pytest.mark.parametrize("role", ["CREATEROLE"], indirect=True)
def test_by_hand_as_the_administrator_of_a_managed_server(
    database: Database, without_roles: None, role: str, next_version: Path
) -> None:
    by_hand(database, SCRIPT, role)
    assert rows(database, CALL, role) == [(1,), (2,)]
    assert _rights(database)
    by_hand(database, next_version, role)
    assert rows(database, "SELECT jrerank.version()", role) == [("0.2.1",)]


def test_by_hand_as_one_who_may_make_no_roles(database: Database, without_roles: None, role: str) -> None:
    by_hand(database, SCRIPT, role)
    assert rows(database, CALL, role) == [(1,), (2,)]
    owners = (
        "SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'jrerank'::regnamespace"
    )
    assert rows(database, owners) == [("somebody",)]


def test_twice_by_hand_changes_nothing(database: Database) -> None:
    by_hand(database, SCRIPT, "postgres")
    with pytest.raises(Exception, match="returned non-zero"):
        by_hand(database, SCRIPT, "postgres")
    assert rows(database, CALL) == [(1,), (2,)]


def test_a_role_of_that_name_that_logs_in_is_refused(database: Database, without_roles: None) -> None:
    with database.connect() as admin:
        admin.execute("CREATE ROLE jrerank_owner LOGIN")
        with pytest.raises(psycopg.errors.RaiseException, match="role jrerank_owner exists, and may log in"):
            admin.execute("CREATE EXTENSION jrerank")


def test_a_misspelt_option_is_refused(database: Database) -> None:
    with database.connect() as admin:
        admin.execute("CREATE EXTENSION jrerank")
        with pytest.raises(psycopg.errors.FdwInvalidOptionName, match="'prot'"):
            admin.execute("CREATE SERVER s FOREIGN DATA WRAPPER jrerank OPTIONS (prot '5433')")
        with pytest.raises(psycopg.Error, match="'ftp://x' is not of the form"):
            admin.execute("CREATE SERVER s FOREIGN DATA WRAPPER jrerank OPTIONS (url 'ftp://x')")


def test_10_000_documents(database: Database) -> None:
    documents = "ARRAY(SELECT repeat('山', 300) || g FROM generate_series(1, 10000) g)"
    many = f"SELECT count(*), min(index), max(index) FROM jrerank.rerank('q', {documents})"
    with database.connect() as admin:
        admin.execute("CREATE EXTENSION jrerank")
        assert admin.execute(many).fetchone() == (10_000, 1, 10_000)


def test_another_encoding_is_told_of(postgres: PostgresServer) -> None:
    with postgres.connect() as admin:
        admin.execute("CREATE DATABASE euc ENCODING 'EUC_JP' LOCALE 'C' TEMPLATE template0")
    try:
        with postgres.connect("euc") as admin:
            admin.execute("CREATE EXTENSION jrerank")
            admin.execute("SET jrerank.status = 'session'")
            assert admin.execute(CALL).fetchall() == [(1,), (2,)]
            detail = admin.execute("SELECT detail FROM jrerank.rerank_status()").fetchone()
            assert detail == ("the encoding of the database is not UTF8",)
    finally:
        with postgres.connect() as admin:
            admin.execute("DROP DATABASE euc WITH (FORCE)")
