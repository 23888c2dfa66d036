"""From 0.1.0, with all that a database has of it, to this version, and back by a dump."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from integration.postgres.extensions import SQL
from integration.postgres.installed import APP
from integration.postgres.servers import Database, PostgresServer
from integration.postgres.sidecar import API_KEY, KeyedSidecar

USED = """
CREATE SERVER jrerank FOREIGN DATA WRAPPER jrerank
  OPTIONS (url {url}, host '127.0.0.1', port {port}, connect_timeout '2');
GRANT USAGE ON FOREIGN SERVER jrerank TO jrerank_owner;
CREATE USER MAPPING FOR jrerank_owner SERVER jrerank OPTIONS (user 'jrerank', password {key});
GRANT jrerank_user TO app;
CREATE TABLE kept (hits jrerank.hit[]);
INSERT INTO kept SELECT jrerank.hits(i, t, i)
  FROM (VALUES (1, '富士山の近くの味噌汁の店'), (2, '富士山の標高は3776メートルである')) v(i, t);
CREATE VIEW by_hits AS SELECT r.id FROM kept, LATERAL jrerank.rerank('富士山の高さ', kept.hits, timeout_ms => 20000) r;
CREATE VIEW by_texts AS SELECT index FROM jrerank.rerank(
  '富士山の高さ', ARRAY['味噌汁の作り方', '富士山の標高は3776メートルである']::text[], timeout_ms => 20000);
GRANT SELECT ON kept, by_hits, by_texts TO app;
"""
RIGHTS = """
SELECT p.oid::regprocedure::text, pg_get_userbyid(p.proowner), p.prosecdef, p.proconfig,
  has_function_privilege('jrerank_user', p.oid, 'EXECUTE'), has_function_privilege('public', p.oid, 'EXECUTE'), p.prosrc
FROM pg_proc p WHERE p.pronamespace = 'jrerank'::regnamespace ORDER BY 1
"""


@pytest.fixture
def used(database: Database, sidecar: KeyedSidecar) -> Database:
    """A database that has been working with 0.1.0, over dblink."""
    with database.connect() as admin:
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'app'").fetchone() is None:
            admin.execute("CREATE ROLE app LOGIN")
        admin.execute("CREATE EXTENSION dblink")
        admin.execute("CREATE EXTENSION jrerank VERSION '0.1.0'")
        options = {"url": sidecar.running.url, "port": sidecar.pgwire_port, "key": API_KEY}
        admin.execute(USED.format(**{name: f"'{value}'" for name, value in options.items()}).encode())
        admin.execute(f"ALTER DATABASE {database.name} SET jrerank.transport = 'dblink'")
    return database


def check(database: Database) -> None:
    with database.connect(APP) as connection:
        assert connection.execute("SELECT jrerank.version()").fetchone() == ("0.2.0",)
        assert connection.execute("SELECT * FROM by_hits").fetchall() == [("2",), ("1",)]
        assert connection.execute("SELECT * FROM by_texts").fetchall() == [(2,), (1,)]
        with connection.transaction():
            call = "SELECT id FROM kept, LATERAL jrerank.rerank_hits('富士山の高さ', kept.hits, timeout_ms => 20000)"
            assert connection.execute(call).fetchall() == [("2",), ("1",)]
            status = connection.execute("SELECT outcome, transport FROM jrerank.rerank_status()").fetchone()
            assert status == ("complete", "dblink")


@contextmanager
def another(server: PostgresServer, name: str) -> Iterator[Database]:
    with server.connect() as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    yield Database(server, name)
    with server.connect() as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_what_was_there_goes_on_after_the_upgrade_and_after_a_dump(used: Database) -> None:
    with used.connect() as admin:
        admin.execute("ALTER EXTENSION jrerank UPDATE")
    check(used)
    dump = subprocess.run(
        [str(used.server.bin / "pg_dump"), "--create", used.dsn()], capture_output=True, text=True, check=True
    ).stdout
    with another(used.server, f"restored_{used.name}") as restored:
        script = dump.replace(used.name, restored.name).replace("CREATE DATABASE", "-- CREATE DATABASE")
        (file := used.server.folder / "dump.sql").write_text(script)
        restored.server.psql("-q", "-f", str(file), database=restored.name)
        check(restored)


@pytest.mark.parametrize("by_hand", [False, True])
def test_it_leads_to_what_a_new_installation_has(database: Database, by_hand: bool) -> None:
    def script(name: str, into: Database) -> None:
        into.server.psql("-1", "-q", "-f", str(SQL / name), database=into.name)

    with another(database.server, f"fresh_{database.name}") as fresh:
        if by_hand:
            script("jrerank--0.1.0.sql", database)
            script("jrerank--0.1.0--0.2.0.sql", database)
            script("jrerank--0.2.0.sql", fresh)
        else:
            with database.connect() as admin, fresh.connect() as other:
                admin.execute("CREATE EXTENSION jrerank VERSION '0.1.0'")
                admin.execute("ALTER EXTENSION jrerank UPDATE")
                other.execute("CREATE EXTENSION jrerank")
        with database.connect() as upgraded, fresh.connect() as new:
            assert upgraded.execute(RIGHTS).fetchall() == new.execute(RIGHTS).fetchall()
