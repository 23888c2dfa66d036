"""What people have at hand: psycopg, its pool, and psql."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.types.json import Json, Jsonb
from psycopg_pool import ConnectionPool

from integration.pgwire.conftest import KEYS, Connection, Secured, conninfo_of
from sidecars import RunningSidecar

REQUEST = {
    "query": "富士山の高さ",
    "hits": [
        {"id": "a", "text": "味噌汁の作り方", "score": 7.1},
        {"id": "b", "text": "富士山の標高は3776メートルである", "score": 6.8},
    ],
}
TEXT = json.dumps(REQUEST, ensure_ascii=False)


def check(answer: dict[str, Any]) -> None:
    assert answer["outcome"] == "complete"
    assert [hit["id"] for hit in answer["hits"]] == ["b", "a"]
    assert answer["hits"][1]["first_score"] == 7.1


def answered(connection: Connection, *asked: Any, **options: Any) -> dict[str, Any]:
    row = connection.execute(*asked, **options).fetchone()
    assert row is not None
    answer: dict[str, Any] = row[0]
    return answer


@pytest.mark.parametrize("autocommit", [True, False])
def test_psycopg_asks(conninfo: str, autocommit: bool) -> None:
    with psycopg.connect(conninfo, autocommit=autocommit) as connection:
        check(answered(connection, TEXT))
        with connection.transaction():
            check(answered(connection, TEXT))


def test_an_answer_is_that_of_http(connection: Connection, sidecar: RunningSidecar) -> None:
    with sidecar.client(KEYS[0]) as http:
        over_http = http.post("/v1/hits", json=REQUEST).json()
    assert answered(connection, TEXT) | {"took_ms": 0} == over_http | {"took_ms": 0}


@pytest.mark.parametrize("text", ["100%, %s %(a)s %%", "\"'\\ ; -- $1 $$", "😀\u3000\t\n", "+{}"])
def test_whatever_a_text_holds_it_needs_no_quoting(connection: Connection, text: str) -> None:
    request = {"query": text, "hits": [{"id": text, "text": text}]}
    for ensure_ascii in (True, False):
        answer = answered(connection, json.dumps(request, ensure_ascii=ensure_ascii))
        assert (answer["outcome"], answer["hits"][0]["id"]) == ("complete", text)


@pytest.mark.parametrize(
    "placeholder", ["%s", "SELECT rerank(%s)", "select jrerank.rerank(%s::jsonb);", "SELECT %b"]
)
@pytest.mark.parametrize("wrap", [str, Json, Jsonb])
def test_the_request_may_be_a_parameter(
    connection: Connection, placeholder: str, wrap: Callable[[object], object]
) -> None:
    check(answered(connection, placeholder, [TEXT if wrap is str else wrap(REQUEST)]))


@pytest.mark.parametrize("prepare", [None, True])
def test_what_is_asked_often_is_prepared_by_psycopg(connection: Connection, prepare: bool | None) -> None:
    connection.prepared_max = 2  # so that statements are deallocated, too
    for number in range(10):
        check(answered(connection, TEXT, prepare=prepare))
        check(answered(connection, TEXT + " " * (number // 7), prepare=prepare))
        check(answered(connection, "SELECT rerank(%s)", [Jsonb(REQUEST)], prepare=prepare))


def test_binary_results_and_pipelines_work(connection: Connection) -> None:
    check(answered(connection, TEXT, binary=True))
    assert connection.execute("SELECT 1", binary=True, prepare=True).fetchone() == (1,)
    with connection.pipeline():
        cursors = [connection.execute("SELECT rerank(%s)", [TEXT]) for _ in range(5)]
        for cursor in cursors:
            check(cursor.fetchall()[0][0])


def test_a_pool_lends_and_checks_connections(conninfo: str) -> None:
    with (
        ConnectionPool(
            conninfo, min_size=2, max_size=4, check=ConnectionPool.check_connection, open=True
        ) as pool,
        concurrent.futures.ThreadPoolExecutor(8) as threads,
    ):

        def ask(_: int) -> None:
            with pool.connection() as connection:
                check(answered(connection, TEXT))

        list(threads.map(ask, range(40)))


async def test_asynchronous_psycopg_asks_and_cancels(conninfo: str) -> None:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        row = await (await connection.execute(TEXT)).fetchone()
        assert row is not None
        check(row[0])
        asking = asyncio.ensure_future(connection.execute(long_request("空")))
        await asyncio.sleep(0.3)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        row = await (await connection.execute("SELECT 1")).fetchone()
        assert row == (1,)


def long_request(query: str, documents: int = 1000) -> str:
    passage = "日本の山と川と海について述べた長い文章である。" * 10
    hits = [{"id": str(i), "text": f"{query}{i}番の文書。{passage}"} for i in range(documents)]
    return json.dumps({"query": query, "hits": hits})


def test_ctrl_c_takes_the_request_out_of_the_queue(connection: Connection, sidecar: RunningSidecar) -> None:
    stopper = threading.Timer(0.3, connection.cancel_safe)
    stopper.start()
    started = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(long_request("山"))
    assert time.monotonic() - started < 5
    stopper.join()
    until_idle(sidecar)
    check(answered(connection, TEXT))


def test_so_does_a_client_that_dies(conninfo: str, sidecar: RunningSidecar) -> None:
    command = ["psql", "-X", conninfo, "-f", "-"]
    dying = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert dying.stdin is not None
    dying.stdin.write(long_request("川") + ";\n")
    dying.stdin.flush()
    with sidecar.client(KEYS[0]) as http:
        while "jrerank_queued_pairs 0.0" in http.get("/metrics").text:
            time.sleep(0.02)
    dying.kill()
    dying.communicate()
    until_idle(sidecar)


def until_idle(sidecar: RunningSidecar) -> None:
    with sidecar.client(KEYS[0]) as http:
        deadline = time.monotonic() + 20
        while "jrerank_queued_pairs 0.0" not in http.get("/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def psql(conninfo: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["psql", "-X", "-At", conninfo, *arguments]
    environment = {**os.environ, "PGCLIENTENCODING": "EUC_JP"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


def test_psql_asks(conninfo: str) -> None:
    check(json.loads(psql(conninfo, "-c", TEXT).stdout))


def test_psql_shows_errors_as_those_of_a_database(conninfo: str) -> None:
    done = psql(conninfo, "-v", "VERBOSITY=verbose", "-c", "SELECT * FROM passages")
    assert done.returncode == 1
    assert "ERROR:  42601: this is not a database" in done.stderr
    assert "HINT:" in done.stderr


def test_tls_is_there_for_those_who_verify_it(secured: Secured) -> None:
    trusted = {"sslmode": "verify-full", "sslrootcert": str(secured.certificate.certificate)}
    with psycopg.connect(secured.conninfo(**trusted)) as connection:
        assert connection.pgconn.ssl_in_use
        check(answered(connection, TEXT))
        big = json.dumps({"query": "a", "hits": [{"id": str(i), "text": "空" * 2000} for i in range(500)]})
        assert len(answered(connection, "SELECT rerank(%s)", [big], binary=True)["hits"]) == 500
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        psycopg.connect(conninfo_of(secured.running, **trusted))
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(secured.conninfo(sslmode="verify-full", sslrootcert="system"))


@pytest.mark.parametrize("password", KEYS)
@pytest.mark.parametrize("sslmode", ["disable", "prefer", "require"])
def test_every_key_is_a_password(sidecar: RunningSidecar, password: str, sslmode: str) -> None:
    with psycopg.connect(conninfo_of(sidecar, password=password, sslmode=sslmode)) as connection:
        assert connection.pgconn.used_password
        assert connection.pgconn.ssl_in_use == (sslmode != "disable")


def test_a_client_may_insist_on_scram(sidecar: RunningSidecar) -> None:
    psycopg.connect(conninfo_of(sidecar, require_auth="scram-sha-256")).close()


@pytest.mark.parametrize("password", ["", "wrong", KEYS[0] + "x", "かぎ"])
def test_nothing_else_is_one(sidecar: RunningSidecar, password: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(conninfo_of(sidecar, password=password))
    log = sidecar.log.read_text()
    assert '"connection_refused"' in log or not password
    for key in KEYS:
        assert key not in log


def test_a_metric_tells_both_doors_apart(connection: Connection, sidecar: RunningSidecar) -> None:
    check(answered(connection, TEXT))
    metrics = httpx.get(f"{sidecar.url}/metrics", headers={"authorization": f"Bearer {KEYS[0]}"}).text
    assert 'jrerank_requests_total{door="pgwire",outcome="complete"}' in metrics
