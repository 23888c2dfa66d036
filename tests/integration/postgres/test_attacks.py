"""Somebody in the database wants the key, or passages of others, sent to a listener of their own: it must hear nothing."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from certificates import Certificate, make_certificate
from integration.postgres.installed import APP, Installed, add_loopback, install, status
from integration.postgres.liar import Liar, lying_sidecar
from integration.postgres.servers import Database
from integration.postgres.sidecar import API_KEY, Address
from integration.postgres.ways import over_dblink

CALL = "SELECT * FROM jrerank.rerank('富士山', ARRAY['山', '川'])"
# A search of somebody else's, over passages that the application may not read
SEARCH = """
CREATE TABLE secret (text text);
INSERT INTO secret VALUES ('秘密の山'), ('秘密の川');
CREATE FUNCTION find(query text) RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT document FROM jrerank.rerank(query, ARRAY(SELECT text FROM public.secret)) $$;
ALTER TABLE secret OWNER TO searcher;
ALTER FUNCTION find(text) OWNER TO searcher;
GRANT jrerank_user TO searcher;
"""
Connection = psycopg.Connection[Any]
LiedTo = tuple[Installed, Liar]


@dataclass
class Listener:
    """Takes whatever comes and keeps it."""

    port: int
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def listening(tls: Certificate | None = None) -> Iterator[Listener]:
    """On loopback, until the end of the block; with TLS it keeps what comes after the handshake."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = Listener(server.getsockname()[1])

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    _keep(listener, client, tls)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _keep(listener: Listener, client: socket.socket, tls: Certificate | None) -> None:
    client.settimeout(2)
    try:
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.certificate, tls.key)
            client = context.wrap_socket(client, server_side=True)
        listener.heard.append(client.recv(65536))
    except OSError:  # also a failed handshake
        pass


def by_function(database: Database, option: str, value: str) -> Connection:
    connection = database.connect(APP)
    connection.execute("SELECT http_set_curlopt(%s, %s)", [f"CURLOPT_{option.upper()}", value])
    return connection


def by_set(database: Database, option: str, value: str) -> Connection:
    connection = database.connect(APP)
    connection.execute("SELECT http_reset_curlopt()")  # loads the library, which knows the setting
    connection.execute(sql.SQL("SET {} = {}").format(sql.Identifier("http", f"curlopt_{option}"), value))
    return connection


def by_startup_packet(database: Database, option: str, value: str) -> Connection:
    return psycopg.connect(database.dsn(APP, options=f"-c http.curlopt_{option}={value}"), autocommit=True)


def by_alter_role(database: Database, option: str, value: str) -> Connection:
    return _altered(database, "ROLE", APP, option, value)


def by_alter_database(database: Database, option: str, value: str) -> Connection:
    return _altered(database, "DATABASE", database.name, option, value)


def _altered(database: Database, kind: str, name: str, option: str, value: str) -> Connection:
    what, setting = sql.SQL("{} {}").format(sql.SQL(kind), sql.Identifier(name)), f"http.curlopt_{option}"
    with database.connect() as admin:
        admin.execute(sql.SQL("ALTER {} SET {} = {}").format(what, sql.SQL(setting), value))
        connection = database.connect(APP)
        admin.execute(sql.SQL("ALTER {} RESET {}").format(what, sql.SQL(setting)))
    return connection


ROUTES = [by_function, by_set, by_startup_packet, by_alter_role, by_alter_database]


@pytest.mark.parametrize("route", ROUTES)
def test_no_option_of_libcurl_takes_the_key_elsewhere(
    database_18: Database, route: Callable[[Database, str, str], Connection]
) -> None:
    with lying_sidecar() as own, listening() as thief:
        install(database_18, "http", own.address)
        for option, value in {
            "proxy": f"http://127.0.0.1:{thief.port}",
            "pre_proxy": f"socks5://127.0.0.1:{thief.port}",
            "userpwd": "me:mine",
            "ssl_verifypeer": "0",
            "useragent": "mine",
        }.items():
            with route(database_18, option, value) as connection:
                connection.execute(CALL)
                assert status(connection) == ("complete", None), option
                assert own.keys.pop() == f"Bearer {API_KEY}"
                left = connection.execute("SELECT curlopt, value FROM http_list_curlopt()").fetchall()
                assert left == [(f"CURLOPT_{option.upper()}", value)], (
                    "the session's own requests go on as they were"
                )
        assert thief.heard == []


@pytest.fixture
def certificate(tmp_path: Path, database_18: Database) -> Certificate:
    """Of `localhost`, where the server may read it, who runs as somebody else."""
    made, folder = make_certificate(tmp_path), database_18.server.folder
    return Certificate(
        Path(shutil.copy(made.certificate, folder / "thief.pem")),
        Path(shutil.copy(made.key, folder / "thief.key")),
    )


def test_no_option_lets_somebody_else_pass_for_the_sidecar(
    database_18: Database, certificate: Certificate
) -> None:
    options = {"ssl_verifypeer": "0", "ssl_verifyhost": "0", "cainfo": str(certificate.certificate)}
    with listening(certificate) as thief:
        install(database_18, "http", Address(f"https://localhost:{thief.port}", 1))
        for option, value in options.items():
            for route in ROUTES:
                with route(database_18, option, value) as connection:
                    connection.execute(CALL)
                    assert status(connection) == ("passthrough", "unreachable")
        assert thief.heard == []


def test_what_the_server_says_of_libcurl_counts(database_18: Database, certificate: Certificate) -> None:
    with listening(certificate) as own:
        install(database_18, "http", Address(f"https://localhost:{own.port}", 1))
        with database_18.connect() as admin:
            admin.execute(f"ALTER SERVER jrerank OPTIONS (ADD curlopt_cainfo '{certificate.certificate}')")
        with database_18.connect(APP) as connection:
            connection.execute(CALL)
        assert API_KEY in own.heard[0].decode()


@pytest.fixture
def searched(lied_to: LiedTo) -> LiedTo:
    """With `find`, a search of `searcher`, which the application may call."""
    installed, liar = lied_to
    with installed.database.connect() as admin:
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'searcher'").fetchone() is None:
            admin.execute("CREATE ROLE searcher")
        admin.execute(SEARCH)
    return installed, liar


def find(connection: Connection) -> list[Any]:
    return [row[0] for row in connection.execute("SELECT find('山')")]


def test_the_search_works_and_its_passages_stay_closed(searched: LiedTo) -> None:
    installed, liar = searched
    with installed.connect() as connection:
        assert sorted(find(connection)) == ["秘密の山", "秘密の川"]
        assert status(connection) == ("complete", None)
        assert len(liar.asked) == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM secret")


def test_a_sessions_settings_lead_only_its_own_passages_elsewhere(searched: LiedTo) -> None:
    installed, own = searched
    with lying_sidecar() as thief, installed.connect() as connection:
        with installed.database.connect() as admin:
            admin.execute("GRANT USAGE ON FOREIGN DATA WRAPPER jrerank TO app")
            admin.execute(f"GRANT CREATE ON DATABASE {installed.database.name} TO app")
        connection.execute(
            f"CREATE SERVER mine FOREIGN DATA WRAPPER jrerank OPTIONS (url '{thief.address.url}',"
            f" host '127.0.0.1', port '{thief.address.pgwire_port}', connect_timeout '2')"
        )
        connection.execute("GRANT USAGE ON FOREIGN SERVER mine TO jrerank_owner")
        connection.execute(
            "CREATE USER MAPPING FOR jrerank_owner SERVER mine OPTIONS (user 'x', password 'x')"
        )
        for setting, value in {"jrerank.url": thief.address.url, "jrerank.server": "mine"}.items():
            connection.execute(f"SET {setting} = '{value}'")
            find(connection)
            assert status(connection) == ("complete", None)
            connection.execute("SET ROLE none")
            find(connection)
            connection.execute(f"RESET {setting}")
        assert (thief.asked, thief.keys, len(own.asked)) == ([], [], 4)


def test_a_server_that_just_anybody_made_is_not_asked_with_our_rights(lied_to: LiedTo) -> None:
    installed, _ = lied_to
    with lying_sidecar() as thief, installed.connect() as connection:
        with installed.database.connect() as admin:
            admin.execute("GRANT USAGE ON FOREIGN DATA WRAPPER jrerank TO app")
        connection.execute(
            f"CREATE SERVER mine FOREIGN DATA WRAPPER jrerank OPTIONS (url '{thief.address.url}',"
            f" host '127.0.0.1', port '{thief.address.pgwire_port}', connect_timeout '2')"
        )
        connection.execute("GRANT USAGE ON FOREIGN SERVER mine TO jrerank_owner")
        connection.execute(
            "CREATE USER MAPPING FOR jrerank_owner SERVER mine OPTIONS (user 'x', password 'x')"
        )
        connection.execute("SET jrerank.server = 'mine'")
        connection.execute(CALL)
        assert status(connection) == ("passthrough", "not_configured")
        assert (thief.asked, thief.keys) == ([], [])


def test_what_the_administrator_sets_counts_in_functions_of_others_too(searched: LiedTo) -> None:
    installed, own = searched
    with lying_sidecar() as other:
        with installed.database.connect() as admin:
            admin.execute(
                f"CREATE SERVER other FOREIGN DATA WRAPPER jrerank OPTIONS (url '{other.address.url}',"
                f" host '127.0.0.1', port '{other.address.pgwire_port}', connect_timeout '2');"
                "GRANT USAGE ON FOREIGN SERVER other TO jrerank_owner;"
                f"CREATE USER MAPPING FOR jrerank_owner SERVER other OPTIONS (user 'x', password '{API_KEY}');"
                f"ALTER ROLE searcher IN DATABASE {installed.database.name} SET jrerank.server = 'other'"
            )
        with installed.connect() as connection:
            find(connection)
            assert status(connection) == ("complete", None)
        assert (len(own.asked), len(other.asked)) == (0, 1)


def dblink_names(connection: Connection) -> list[str]:
    row = connection.execute("SELECT dblink_get_connections()").fetchone()
    assert row is not None
    return row[0] or []


@pytest.mark.parametrize(
    "name", ["jrerank_jrerank", "jrerank_0123456789abcdef_0123456789abcdef0123456789abcdef"]
)
def test_a_connection_that_was_opened_before_is_not_used(searched: LiedTo, name: str) -> None:
    installed, own = searched
    if installed.transport == "http":
        return  # it has no connection of a name
    with lying_sidecar() as thief, installed.connect() as connection:
        connection.execute("SELECT dblink_connect(%s, %s)", [name, _conninfo(thief)])
        find(connection)
        assert status(connection) == ("complete", None)
        assert (thief.asked, len(own.asked)) == ([], 1)


@over_dblink
def test_a_connection_that_was_exchanged_is_noticed_before_a_passage_goes_there(searched: LiedTo) -> None:
    installed, own = searched
    with lying_sidecar() as thief, installed.connect() as connection:
        thief.knows_the_key = False
        find(connection)
        [name] = dblink_names(connection)
        connection.execute("SELECT dblink_disconnect(%s)", [name])
        connection.execute("SELECT dblink_connect(%s, %s)", [name, _conninfo(thief)])
        find(connection)
        assert status(connection) == ("complete", None)
        assert (thief.asked, len(own.asked)) == ([], 2)
        assert name not in dblink_names(connection)


CLOSE = """
DO $$
DECLARE function regprocedure;
BEGIN
  FOR function IN SELECT p.oid FROM pg_proc p WHERE p.proname LIKE 'dblink%' LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %1$s FROM PUBLIC, app; GRANT EXECUTE ON FUNCTION %1$s TO jrerank_owner', function);
  END LOOP;
END
$$
"""


@over_dblink
def test_only_where_nobody_can_use_dblink_no_proof_is_asked_for(searched: LiedTo) -> None:
    installed, own = searched
    with installed.connect() as connection, installed.database.connect() as admin:
        find(connection)
        admin.execute(CLOSE)
        for opened, proofs in (
            ("SELECT", 1),
            ("GRANT EXECUTE ON FUNCTION dblink_connect(text, text) TO searcher", 2),
            ("REVOKE EXECUTE ON FUNCTION dblink_connect(text, text) FROM searcher", 2),
            ("GRANT EXECUTE ON FUNCTION dblink(text, text) TO PUBLIC", 3),
            ("REVOKE EXECUTE ON FUNCTION dblink(text, text) FROM PUBLIC", 3),
            ("ALTER FUNCTION dblink_connect(text, text) OWNER TO app", 4),
            ("ALTER FUNCTION dblink_connect(text, text) OWNER TO postgres", 4),
        ):
            admin.execute(opened)
            find(connection)
            assert (status(connection), own.proofs) == (("complete", None), proofs), opened
        assert connection.execute("SELECT jrerank.rerank_disconnect()").fetchone() is not None


@over_dblink
def test_a_connection_from_before_it_was_closed_is_not_used(searched: LiedTo) -> None:
    installed, own = searched
    with (
        lying_sidecar() as thief,
        installed.connect() as connection,
        installed.database.connect() as admin,
    ):
        find(connection)
        _exchange(connection, thief)
        admin.execute(CLOSE)
        find(connection)
        admin.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO app")
        _exchange(connection, thief)
        admin.execute(CLOSE)
        find(connection)
        assert status(connection) == ("complete", None)
        assert (thief.asked, len(own.asked)) == ([], 3)


ASK = "SELECT a.answer, a.reason, a.detail FROM jrerank._ask({}, clock_timestamp() + '5 s', 'dblink', %(server)s, NULL) a"
# Which all who may rerank may call, with a statement in each place that is the caller's
AS_STATEMENT = (
    "ARRAY[%(text)s], 'texts', ARRAY['川'], NULL, ''",
    "NULL, %(text)s, ARRAY['川'], NULL, ''",
    "ARRAY['山'], NULL, ARRAY[%(text)s], NULL, ''",
    "NULL, NULL, NULL, %(text)s, ''",
    "ARRAY['山'], 'texts', ARRAY['川'], NULL, %(text)s",
)


@over_dblink
def test_no_statement_gets_over_the_loopback(lied_to: LiedTo) -> None:
    """It would run as a role that may log in, and could give itself a password."""
    installed, _ = lied_to
    add_loopback(installed.database)
    with installed.connect() as connection, installed.database.connect() as admin:
        admin.execute(CLOSE)
        # The latter leads where the former did, as a server of the administrator's might
        for server, reason in (("jrerank_loopback", "not_configured"), ("mirror", "rejected")):
            for given in AS_STATEMENT:
                asked = {"server": server, "text": "select current_user -- "}
                row = connection.execute(ASK.format(given), asked).fetchone()
                assert row is not None
                assert row[:2] == (None, reason), (row, given)
            if server == "jrerank_loopback":
                admin.execute("ALTER SERVER jrerank_loopback RENAME TO mirror")
                admin.execute("ALTER SERVER mirror OPTIONS (ADD connect_timeout '2')")
        connection.execute(CALL)
        assert status(connection) == ("complete", None)


# The schema of the extension, and another one whose name is the same but for its letters' size, in which all is closed
OTHER_SCHEMA = """
CREATE SCHEMA "Net";
ALTER EXTENSION dblink SET SCHEMA "Net";
GRANT USAGE ON SCHEMA "Net" TO PUBLIC;
CREATE SCHEMA net;
CREATE FUNCTION net.dblink_connect() RETURNS void LANGUAGE sql AS '';
REVOKE ALL ON FUNCTION net.dblink_connect() FROM PUBLIC;
"""


@over_dblink
def test_names_that_need_quotes_are_not_taken_for_others(searched: LiedTo) -> None:
    installed, own = searched
    with installed.connect() as connection, installed.database.connect() as admin:
        admin.execute(OTHER_SCHEMA)
        for _ in range(2):
            find(connection)
            assert status(connection) == ("complete", None)
        assert own.proofs == 2
        admin.execute(CLOSE + ';CREATE ROLE "My App"; GRANT jrerank_owner TO "My App"; SET ROLE "My App"')
        assert admin.execute("SELECT jrerank._dblink_closed('Net')").fetchone() == (None,)
        admin.execute('RESET ROLE; DROP ROLE "My App"')


@over_dblink
def test_a_transaction_that_does_not_see_a_grant_asks_for_a_proof(searched: LiedTo) -> None:
    installed, own = searched
    with (
        lying_sidecar() as thief,
        installed.connect() as connection,
        installed.database.connect() as admin,
    ):
        thief.knows_the_key = False
        admin.execute(CLOSE)
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            find(connection)
            admin.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO app")
            connection.execute("CREATE TEMP TABLE locked ()")  # who takes a lock learns of others' changes
            _exchange(connection, thief)
            find(connection)
        assert (thief.asked, len(own.asked)) == ([], 2)


def _exchange(connection: Connection, thief: Liar) -> None:
    """Every connection that these functions have opened, for one that leads elsewhere."""
    for name in dblink_names(connection):
        connection.execute("SELECT dblink_disconnect(%s)", [name])
        connection.execute("SELECT dblink_connect(%s, %s)", [name, _conninfo(thief)])


def _conninfo(thief: Liar) -> str:
    return f"host=127.0.0.1 port={thief.address.pgwire_port} user=x password=x"


@over_dblink
def test_the_open_connection_answers_to_nobody_else(installed: Installed) -> None:
    with installed.connect() as connection, installed.database.connect() as admin:
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'low'").fetchone() is None:
            admin.execute("CREATE ROLE low")
        admin.execute("GRANT low TO app")
        connection.execute(CALL)
        assert status(connection) == ("complete", None)
        [name] = dblink_names(connection)
        connection.execute("SET ROLE low")
        for request in (
            '{"query": "山", "hits": [{"id": "1", "text": "山"}]}',
            f"PROVE {'0' * 64} {'0' * 36}",
        ):
            with pytest.raises(psycopg.Error, match="belongs to who locked it"):
                connection.execute("SELECT * FROM dblink(%s, %s) AS t(answer text)", [name, request])
        connection.execute("RESET ROLE")
        connection.execute(CALL)
        assert status(connection) == ("complete", None)


def test_a_key_in_a_file_is_in_no_dump(lied_to: LiedTo) -> None:
    installed, own = lied_to
    key = installed.database.server.folder / "api-key"
    key.write_text(f"{API_KEY}\n")
    key.chmod(0o644)
    with installed.database.connect() as admin:
        admin.execute("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO jrerank_owner")
        admin.execute("GRANT pg_read_server_files TO jrerank_owner")
        admin.execute(
            f"ALTER USER MAPPING FOR jrerank_owner SERVER jrerank OPTIONS (DROP password, ADD password_file '{key}')"
        )
        assert API_KEY not in repr(admin.execute("SELECT umoptions FROM pg_user_mapping").fetchall())
    with installed.connect() as connection:
        connection.execute(CALL)
        assert status(connection) == ("complete", None)
    assert API_KEY in own.keys[-1]
    with installed.database.server.connect() as admin:
        admin.execute("REVOKE pg_read_server_files FROM jrerank_owner")
