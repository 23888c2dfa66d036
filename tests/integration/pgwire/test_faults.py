"""Bad requests, a sidecar that ends or stops, and one that is set up wrongly."""

from __future__ import annotations

import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from certificates import make_certificate
from integration.pgwire.conftest import Connection, conninfo_of
from integration.pgwire.test_clients import TEXT, answered, check, long_request
from sidecars import RunningSidecar, running_sidecar
from wire import startup

PART_BYTES = 64 * 1024


@pytest.mark.parametrize(
    ("request_text", "sqlstate", "said"),
    [
        ("{", "22023", "not JSON"),
        ('{"query": "a"}', "22023", "hits: Field required"),
        ('{"query": "a", "hits": [{"id": 1}]}', "22023", "hits.0.id"),
        ('{"query": "a", "hits": [], "timeout_ms": 0}', "22023", "timeout_ms"),
        ('{"query": "a", "hits": [{"id": "1"}], "store": "none"}', "42704", "no store 'none'"),
        (json.dumps({"query": "a" * 10_001, "hits": []}), "54000", "query has 10001 characters"),
        (json.dumps({"query": "a", "hits": [{"id": "1", "text": ""}] * 1001}), "54000", "at most 1000"),
        ("{" + " " * 13_000_000 + "}", "54000", "12000000 bytes"),
        ("SELECT * FROM passages", "42601", "not a database"),
        ("SET client_encoding TO 'EUC_JP'", "0A000", "UTF-8"),
    ],
)
def test_a_mistake_is_told_and_the_next_request_is_answered(
    connection: Connection, request_text: str, sqlstate: str, said: str
) -> None:
    with pytest.raises(psycopg.Error, match=said) as caught:
        connection.execute(request_text)
    assert caught.value.diag.sqlstate == sqlstate
    assert caught.value.diag.severity == "ERROR"
    check(answered(connection, TEXT))


def test_parts_make_one_request(connection: Connection) -> None:
    text = long_request("海", 60)
    parts = [text[start : start + 2_000] for start in range(0, len(text), 2_000)]
    for part in parts[:-1]:
        assert connection.execute("+" + part).statusmessage == "PART"
    assert len(answered(connection, parts[-1])["hits"]) == 60


def test_parts_together_have_the_limit_of_one_request(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="parts together"):
        for _ in range(3):
            connection.execute("+" + " " * 5_000_000)
    check(answered(connection, TEXT))


def test_at_its_deadline_a_request_is_answered_with_what_there_is(connection: Connection) -> None:
    request = json.loads(long_request("空")) | {"timeout_ms": 300}
    answer = answered(connection, json.dumps(request))
    assert (answer["outcome"], answer["reason"]) == ("partial", "deadline")
    assert sorted(int(hit["id"]) for hit in answer["hits"]) == list(range(1000))


def test_a_part_never_hangs_in_the_write_to_a_sidecar_that_has_stopped(keyless: RunningSidecar) -> None:
    with socket.create_connection(("127.0.0.1", keyless.pgwire_port)) as client:
        client.sendall(startup(user="me"))
        client.recv(65536)
        os.kill(keyless.process.pid, signal.SIGSTOP)
        try:
            client.setblocking(False)
            assert client.send(b"Q" + bytes(PART_BYTES - 1)) == PART_BYTES
        finally:
            os.kill(keyless.process.pid, signal.SIGCONT)


def test_without_keys_nobody_is_asked_for_one(keyless: RunningSidecar) -> None:
    with psycopg.connect(conninfo_of(keyless, password=""), autocommit=True) as connection:
        assert not connection.pgconn.used_password
        check(answered(connection, TEXT))


def test_beyond_the_limit_nobody_comes_in(keyless: RunningSidecar) -> None:
    clients = [psycopg.connect(conninfo_of(keyless)) for _ in range(2)]
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        psycopg.connect(conninfo_of(keyless))
    for client in clients:
        client.close()


def test_sigterm_lets_what_was_asked_finish_and_tells_the_others(tmp_path: Path) -> None:
    with (
        running_sidecar(tmp_path, pgwire_port="0") as running,
        psycopg.connect(conninfo_of(running), autocommit=True) as busy,
        psycopg.connect(conninfo_of(running), autocommit=True) as idle,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        asked = pool.submit(answered, busy, long_request("山", 300))
        time.sleep(0.3)
        running.process.send_signal(signal.SIGTERM)
        assert asked.result()["outcome"] == "complete"
        with pytest.raises(psycopg.errors.AdminShutdown):
            idle.execute("SELECT 1")
        assert running.process.wait(30) in {0, -signal.SIGTERM}


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    variables = {f"JRERANK_{name.upper()}": value for name, value in environment.items()}
    command = [sys.executable, "-m", "jrerank.admin", "serve", "--model", "bundled", "--port", "0"]
    return subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=False
    )


def test_what_is_set_up_wrongly_is_one_line(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        tls_files = {
            "pgwire_tls_cert_file": str(certificate.certificate),
            "pgwire_tls_key_file": str(tmp_path / "missing"),
        }
        wrong: list[tuple[dict[str, str], str]] = [
            ({"pgwire_port": str(taken.getsockname()[1])}, "--pgwire-port"),
            ({"pgwire_port": "0"} | tls_files, "JRERANK_PGWIRE_TLS_CERT_FILE"),
        ]
        for environment, said in wrong:
            done = start(**environment)
            assert done.returncode == 3
            assert said in done.stderr.splitlines()[-1]
            assert "Traceback" not in done.stderr
