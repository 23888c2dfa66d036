"""The key of the sidecar, looked for as the application: in the catalog, the functions, the activity, the log; and lured away."""

from __future__ import annotations

import psycopg
import pytest

from integration.postgres.installed import Installed, install, status
from integration.postgres.liar import Liar, lying_sidecar
from integration.postgres.servers import Database
from integration.postgres.sidecar import API_KEY

CATALOG = [
    "SELECT * FROM pg_user_mappings",
    "SELECT * FROM information_schema.user_mapping_options",
    "SELECT * FROM pg_foreign_server",
    "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'jrerank'::regnamespace AND prokind = 'f'",
    "SELECT * FROM pg_stat_activity",
    "SELECT * FROM jrerank.rerank_status()",
    "SELECT name, setting FROM pg_settings",
    "SELECT * FROM pg_prepared_statements",
    "SELECT * FROM pg_cursors",
]
FORBIDDEN = [
    "SELECT * FROM pg_user_mapping",
    "SET ROLE jrerank_owner",
    "ALTER SERVER jrerank OPTIONS (SET host '127.0.0.2')",
    "CREATE USER MAPPING FOR app SERVER jrerank OPTIONS (user 'x')",
    "SELECT dblink_connect('mine', 'jrerank')",
    "CREATE OR REPLACE FUNCTION jrerank.version() RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$",
    "SELECT jrerank._ask_http('public', 'jrerank', 'http://127.0.0.1:1', true, '{}', now())",
]
TELL_ALL = """
SET client_min_messages = debug5; SET debug_print_plan = on; SET debug_print_parse = on; SET debug_print_rewritten = on;
SET jrerank.notice_level = 'warning';
"""
CALL = "SELECT * FROM jrerank.rerank('富士山', ARRAY['山', '川'])"


def test_nothing_that_the_application_can_read_holds_the_key(installed: Installed) -> None:
    with installed.connect() as connection:
        connection.execute(CALL)
        for query in CATALOG:
            assert API_KEY not in repr(connection.execute(query).fetchall()), query


def test_nothing_that_the_application_can_do_gets_at_it(installed: Installed) -> None:
    with installed.connect() as connection:
        connection.execute(CALL)
        for statement in FORBIDDEN:
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(statement)
            assert API_KEY not in str(refused.value)


def test_neither_messages_nor_the_log_hold_it_at_their_most_talkative(installed: Installed) -> None:
    said: list[str] = []
    with installed.connect() as connection:
        connection.add_notice_handler(
            lambda notice: said.append(f"{notice.message_primary} {notice.message_detail}")
        )
        connection.execute(TELL_ALL)
        connection.execute(CALL)
        assert status(connection) == ("complete", None)
    assert said
    assert API_KEY not in "".join(said)
    assert _bytes_of(API_KEY) not in "".join(said)
    logged = _after_set_up(installed.database)
    assert API_KEY not in logged
    assert _bytes_of(API_KEY) not in logged


def test_nor_does_a_failure(lied_to: tuple[Installed, Liar]) -> None:
    installed, liar = lied_to
    liar.raw = b"X"
    said: list[str] = []
    with installed.connect() as connection:
        connection.add_notice_handler(
            lambda notice: said.append(f"{notice.message_primary} {notice.message_detail}")
        )
        connection.execute("SET jrerank.on_error = 'error'")
        with pytest.raises(psycopg.errors.ExternalRoutineException) as failed:
            connection.execute(CALL)
        assert API_KEY not in repr(failed.value.diag.context) + str(failed.value) + "".join(said)
    assert API_KEY not in _after_set_up(installed.database)


def test_another_url_is_asked_without_the_key(database_18: Database) -> None:
    with lying_sidecar() as own, lying_sidecar() as thief:
        installed = install(database_18, "http", own.address)
        with installed.connect() as connection:
            connection.execute(CALL)
            assert own.keys == [f"Bearer {API_KEY}"]
            connection.execute(f"SET jrerank.url = '{thief.address.url}'")
            connection.execute(CALL)
            assert status(connection) == ("complete", None)
            assert thief.keys == [""]


def test_nobody_sends_requests_through_us_that_may_not_send_them_alone(database_18: Database) -> None:
    with lying_sidecar() as own, lying_sidecar() as victim:
        installed = install(database_18, "http", own.address)
        with database_18.connect() as admin:
            admin.execute("REVOKE EXECUTE ON FUNCTION http(http_request) FROM PUBLIC")
            admin.execute("GRANT EXECUTE ON FUNCTION http(http_request) TO jrerank_owner")
        with installed.connect() as connection:
            connection.execute(f"SET jrerank.url = '{victim.address.url}'")
            connection.execute(CALL)
            assert status(connection) == ("passthrough", "not_configured")
            assert victim.asked == []
            connection.execute("RESET jrerank.url")
            connection.execute(CALL)
            assert status(connection) == ("complete", None)


def _bytes_of(text: str) -> str:
    """As a plan that is printed shows a constant."""
    return " ".join(str(byte) for byte in text.encode())


def _after_set_up(database: Database) -> str:
    """The log since this database's mapping was made, which an administrator's own statement may have told."""
    return database.server.log.read_text(errors="replace")
