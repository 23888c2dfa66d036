"""What the door is for: a PostgreSQL server that asks through dblink, whose roles are no superusers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from integration.pgwire.conftest import KEYS, Connection, Secured, conninfo_of
from integration.pgwire.test_clients import REQUEST, TEXT, check, long_request
from integration.postgres.extensions import MissingToolError
from integration.postgres.servers import PostgresServer, postgres_15
from sidecars import RunningSidecar


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """With dblink, an ordinary role `app`, and a database `euc` that is not in UTF-8."""
    try:
        with postgres_15() as server:
            with server.connect() as admin:
                admin.execute("CREATE EXTENSION dblink")
                admin.execute("CREATE ROLE app LOGIN")
                admin.execute("CREATE DATABASE euc ENCODING 'EUC_JP' LOCALE 'C' TEMPLATE template0")
            yield server
    except MissingToolError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Connection]:
    """A connection of the ordinary role."""
    with postgres.connect("postgres", "app") as connection:
        yield connection


@pytest.fixture
def linked(database: Connection, sidecar: RunningSidecar) -> Iterator[Connection]:
    """With a dblink connection `door` to the sidecar."""
    database.execute("SELECT dblink_connect('door', %s)", [conninfo_of(sidecar)])
    yield database
    database.execute("SELECT dblink_disconnect('door')")


def asked(database: Connection, request: str) -> dict[str, Any]:
    row = database.execute("SELECT answer FROM dblink('door', %s) AS (answer json)", [request]).fetchone()
    assert row is not None
    answer: dict[str, Any] = row[0]
    return answer


def wait(database: Connection, timeout_s: float = 20.0) -> bool:
    """Poll as a function in SQL would; whether the answer is there."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if database.execute("SELECT dblink_is_busy('door')").fetchone() == (0,):
            return True
        time.sleep(0.005)
    return False


def result(database: Connection) -> list[Any]:
    """The result of what was sent, and the empty one that dblink wants to be fetched after it."""
    fetch = "SELECT * FROM dblink_get_result('door') AS (answer text)"
    rows = database.execute(fetch).fetchall()
    assert database.execute(fetch).fetchall() == []
    return rows


def test_a_request_goes_in_and_its_answer_comes_out(linked: Connection) -> None:
    for _ in range(3):
        check(asked(linked, TEXT))


def test_it_can_be_asked_without_waiting_in_parts(linked: Connection) -> None:
    text = long_request("海", 60)
    parts = [text[start : start + 4_000] for start in range(0, len(text), 4_000)]
    for part in ["+" + part for part in parts[:-1]]:
        linked.execute("SELECT dblink_send_query('door', %s)", [part])
        assert wait(linked)
        assert result(linked) == [("PART",)]
    linked.execute("SELECT dblink_send_query('door', %s)", [parts[-1]])
    assert wait(linked)
    assert len(json.loads(result(linked)[0][0])["hits"]) == 60


def test_an_error_has_its_sqlstate_and_leaves_the_connection_alive(linked: Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="not JSON"):
        asked(linked, "{")
    check(asked(linked, TEXT))


def test_a_request_can_be_cancelled(linked: Connection) -> None:
    linked.execute("SELECT dblink_send_query('door', %s)", [long_request("山")])
    time.sleep(0.2)
    assert linked.execute("SELECT dblink_cancel_query('door')").fetchone() == ("OK",)
    assert wait(linked)
    with pytest.raises(psycopg.errors.QueryCanceled):
        result(linked)


def test_statement_timeout_ends_the_wait_for_a_sidecar_that_has_stopped(
    database: Connection, sidecar: RunningSidecar
) -> None:
    database.execute("SELECT dblink_connect('door', %s)", [conninfo_of(sidecar)])
    os.kill(sidecar.process.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        database.execute("SELECT dblink_send_query('door', %s)", ["+" + "空" * 20_000])
        assert not wait(database, timeout_s=0.3)
        assert time.monotonic() - started < 5
        database.execute("SELECT dblink_disconnect('door')")
    finally:
        os.kill(sidecar.process.pid, signal.SIGCONT)


def test_an_ordinary_role_is_let_through_as_it_was_asked_for_a_password(
    database: Connection, postgres: PostgresServer, secured: Secured
) -> None:
    trusted = postgres.folder / "sidecar.pem"
    shutil.copy(secured.certificate.certificate, trusted)
    # Without a file of that name, libpq has no certificate of the client's; it would look at the server's home
    verified = secured.conninfo(
        sslmode="verify-full", sslrootcert=str(trusted), sslcert="/none", sslkey="/none"
    )
    for conninfo in (verified, secured.conninfo(sslmode="disable")):
        database.execute("SELECT dblink_connect('one', %s)", [conninfo])
        database.execute("SELECT dblink_disconnect('one')")


def test_without_a_key_it_is_not(database: Connection, keyless: RunningSidecar) -> None:
    with pytest.raises(psycopg.errors.lookup("2F003"), match="password"):
        database.execute("SELECT dblink_connect('open', %s)", [conninfo_of(keyless)])


def test_a_wrong_key_is_refused(database: Connection, secured: Secured) -> None:
    with pytest.raises(
        psycopg.errors.SqlclientUnableToEstablishSqlconnection, match="password authentication"
    ):
        database.execute("SELECT dblink_connect('wrong', %s)", [secured.conninfo(password="wrong")])


def test_a_database_in_another_encoding_is_understood_as_far_as_json_needs_no_more_than_ascii(
    postgres: PostgresServer, sidecar: RunningSidecar
) -> None:
    with postgres.connect("euc") as euc:
        euc.execute("CREATE EXTENSION IF NOT EXISTS dblink")
        euc.execute("SELECT dblink_connect('door', %s)", [conninfo_of(sidecar)])
        check(asked(euc, json.dumps(REQUEST)))
        with pytest.raises(psycopg.errors.CharacterNotInRepertoire):
            asked(euc, TEXT)
    assert KEYS[0] not in sidecar.log.read_text()
