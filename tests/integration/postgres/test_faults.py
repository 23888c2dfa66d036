"""What can happen to a sidecar: the rows come back in their old order, it is said, and the next call works."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest

from integration.postgres.installed import Installed, install, status
from integration.postgres.liar import GARBAGE, Answer, Liar, Refusal, truthful
from integration.postgres.servers import Database
from integration.postgres.sidecar import RestartableSidecar

DOCUMENTS = ["味噌汁の作り方を述べる。", "東京の気候。", "富士山の標高は3776メートルである。"]
QUERY = "富士山の高さは"
OLD_ORDER = [1, 2, 3]

Fragile = tuple[Installed, RestartableSidecar]
LiedTo = tuple[Installed, Liar]


def order(connection: psycopg.Connection[Any], **options: Any) -> list[int]:
    named = "".join(f", {name} => {value}" for name, value in options.items())
    call = f"SELECT index FROM jrerank.rerank(%s, %s::text[]{named})"
    return [row[0] for row in connection.execute(call, (QUERY, DOCUMENTS))]


def assert_works(connection: psycopg.Connection[Any]) -> None:
    found = order(connection, timeout_ms=20_000)
    assert status(connection) == ("complete", None)
    assert sorted(found) == OLD_ORDER
    assert found != OLD_ORDER


def assert_old_order(connection: psycopg.Connection[Any], *reasons: str, within_ms: float = 3000) -> None:
    notices: list[str] = []
    connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    assert order(connection) == OLD_ORDER
    row = connection.execute("SELECT outcome, reason, elapsed_ms FROM jrerank.rerank_status()").fetchone()
    assert row is not None
    assert row[0] == "passthrough"
    assert row[1] in reasons
    assert row[2] < within_ms
    assert notices
    assert notices[0].startswith(f"jrerank: passthrough ({row[1]}")


def always(refusal: Refusal) -> Answer:
    return lambda _: refusal


def test_killed_and_restarted(fragile: Fragile) -> None:
    installed, sidecar = fragile
    with installed.connect() as connection:
        assert_works(connection)
        sidecar.kill()
        assert_old_order(connection, "unreachable")
        sidecar.start()
        assert_works(connection)


def test_restarted_in_the_middle_of_a_session(fragile: Fragile) -> None:
    installed, sidecar = fragile
    with installed.connect() as connection:
        assert_works(connection)
        sidecar.kill()
        sidecar.start()
        assert_works(connection)


def test_hung(fragile: Fragile) -> None:
    installed, sidecar = fragile
    with installed.connect() as connection:
        assert_works(connection)
        sidecar.freeze()
        assert_old_order(connection, "timeout")
        assert_old_order(connection, "timeout")
        sidecar.thaw()
        assert_works(connection)


def test_hung_before_a_large_request(fragile: Fragile) -> None:
    installed, sidecar = fragile
    large = "SELECT count(*) FROM jrerank.rerank('q', ARRAY(SELECT repeat('山', 900) FROM generate_series(1, 3000)))"
    with installed.connect() as connection:
        assert_works(connection)
        sidecar.freeze()
        started = time.monotonic()
        assert connection.execute(large).fetchone() == (3000,)
        assert time.monotonic() - started < 6
        assert status(connection) == ("passthrough", "timeout")
        sidecar.thaw()
        assert_works(connection)


def test_hung_under_a_statement_timeout(fragile: Fragile) -> None:
    installed, sidecar = fragile
    with installed.connect() as connection:
        assert_works(connection)
        sidecar.freeze()
        connection.execute("SET statement_timeout = '2s'")
        connection.execute("SET jrerank.timeout_ms = 30000")
        assert_old_order(connection, "timeout")
        sidecar.thaw()
        connection.execute("RESET statement_timeout")
        assert_works(connection)


def test_hung_when_the_session_is_new(fragile: Fragile) -> None:
    """dblink connects by libpq's clock before PostgreSQL 16, and by that of statement_timeout alone from then on."""
    installed, sidecar = fragile
    with installed.connect() as connection:
        connection.execute("SET statement_timeout = '4s'")
        sidecar.freeze()
        if installed.transport == "dblink" and installed.database.server.major >= 16:
            with pytest.raises(psycopg.errors.QueryCanceled):
                order(connection)
        else:
            assert_old_order(connection, "timeout", "unreachable", within_ms=3900)
        sidecar.thaw()
        assert_works(connection)


def test_slow(installed: Installed) -> None:
    many = "ARRAY(SELECT g || repeat('日本の山と川と海について述べた長い文章である。', 20) FROM generate_series(1, 2000) g)"
    with installed.connect() as connection:
        assert_works(connection)
        counted = (
            f"SELECT count(*), count(DISTINCT index) FROM jrerank.rerank('山', {many}, timeout_ms => 1500)"
        )
        assert connection.execute(counted).fetchone() == (2000, 2000)
        assert status(connection) in {
            ("partial", "deadline"),
            ("passthrough", "deadline"),
            ("passthrough", "timeout"),
        }
        assert_works(connection)


def test_cancelled_while_it_scores(installed: Installed) -> None:
    many = "ARRAY(SELECT g || repeat('日本の山と川と海について述べた長い文章である。', 20) FROM generate_series(1, 5000) g)"
    with installed.connect() as connection:
        assert_works(connection)
        timer = threading.Timer(1, connection.cancel)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(f"SELECT count(*) FROM jrerank.rerank('川', {many}, timeout_ms => 60000)")
        timer.join()
        assert_works(connection)


def test_a_failure_leaves_the_transaction_as_it_was(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    liar.answer = always(Refusal(500, "XX000"))
    with installed.connect() as connection, connection.transaction():
        assert order(connection) == OLD_ORDER
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_cancelled(fragile: Fragile) -> None:
    installed, sidecar = fragile
    with installed.connect() as connection:
        assert_works(connection)
        sidecar.freeze()
        timer = threading.Timer(0.5, connection.cancel)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            order(connection, timeout_ms=30_000)
        timer.join()
        sidecar.thaw()
        assert_works(connection)


def test_a_wrong_key(way: Any, database_of_way: Database, restartable: RestartableSidecar) -> None:
    restartable.start()
    installed = install(database_of_way, way.transport, restartable.address, key="wrong")
    with installed.connect() as connection:
        assert_old_order(connection, "unauthorized")
        with database_of_way.connect() as admin:
            admin.execute(
                "ALTER USER MAPPING FOR jrerank_owner SERVER jrerank OPTIONS (SET password 'key-that-nobody-may-read')"
            )
        assert_works(connection)


def test_an_error_where_errors_were_asked_for(fragile: Fragile) -> None:
    installed, sidecar = fragile
    with installed.connect() as connection:
        connection.execute("SET jrerank.on_error = 'error'")
        assert_works(connection)
        sidecar.kill()
        with pytest.raises(psycopg.errors.ExternalRoutineException, match="jrerank: unreachable"):
            order(connection)
        sidecar.start()
        assert_works(connection)


REFUSALS = [
    (Refusal(500, "XX000"), "sidecar_error"),
    (Refusal(429, "53000"), "overloaded"),
    (Refusal(422, "22023"), "rejected"),
    (Refusal(503, "57P03"), "unreachable"),
    (Refusal(401, "28P01"), "unauthorized"),
]
SQLSTATES = ["57014", "P0004", "22P02", "40001", "00000"]


def assert_tells_the_truth_again(connection: psycopg.Connection[Any], liar: Liar) -> None:
    liar.answer = truthful
    order(connection)
    assert status(connection) == ("complete", None)


def test_refusals(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    with installed.connect() as connection:
        for refusal, reason in REFUSALS:
            liar.answer = always(refusal)
            assert_old_order(connection, reason)
            assert_tells_the_truth_again(connection, liar)


def test_no_sqlstate_of_the_sidecar_fails_the_query(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    with installed.connect() as connection:
        for sqlstate in SQLSTATES:
            liar.answer = always(Refusal(500, sqlstate))
            assert order(connection) == OLD_ORDER
            assert status(connection)[0] == "passthrough"
            assert_tells_the_truth_again(connection, liar)


def twisted(**change: Any) -> Any:
    """The truth, but for this in its first hit."""

    def answer(request: dict[str, Any]) -> Any:
        reply = truthful(request)
        reply["hits"][0].update(change)
        return reply

    return answer


LIES = {
    "text": lambda _: "what?",
    "an empty text": lambda _: "",
    "an array": lambda _: [],
    "null": lambda _: "null",
    "no hits": lambda request: {**truthful(request), "hits": []},
    "hits that are none": lambda request: {**truthful(request), "hits": 7},
    "a hit too few": lambda request: {**truthful(request), "hits": truthful(request)["hits"][1:]},
    "a hit too many": lambda request: {**truthful(request), "hits": truthful(request)["hits"] * 2},
    "another id": twisted(id="99"),
    "no id": twisted(id=None),
    "a place that is taken": twisted(id="1", first_rank=1),
    "a place beyond the end": twisted(first_rank=4),
    "a rank twice": twisted(rank=2),
    "no score": twisted(score=None),
    "a score that is no number": twisted(score="NaN"),
    "an endless score": twisted(score=1e300),
    "a score that is text": twisted(score="good"),
    "unscored, with a score": twisted(scored=False),
    "an unknown outcome": lambda request: {**truthful(request), "outcome": "splendid"},
    "no outcome": lambda request: {**truthful(request), "outcome": None},
    "nothing scored, with scores": lambda request: {**truthful(request), "outcome": "passthrough"},
}


def test_lies(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    with installed.connect() as connection:
        for lie, answer in LIES.items():
            liar.answer = answer
            assert order(connection) == OLD_ORDER, lie
            assert status(connection) == ("passthrough", "bad_answer"), lie
            assert_tells_the_truth_again(connection, liar)


def test_garbage_on_the_wire(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    with installed.connect() as connection:
        liar.raw = GARBAGE
        assert_old_order(connection, "bad_answer", "unreachable", "sidecar_error")
        liar.raw = None
        order(connection)
        assert status(connection) == ("complete", None)


def test_another_model_is_not_taken_for_the_one_that_was_asked_for(lied_to: LiedTo) -> None:
    installed, _ = lied_to
    with installed.connect() as connection:
        assert order(connection, model="'another'") == OLD_ORDER
        assert status(connection) == ("passthrough", "wrong_model")
        order(connection, model="'liar'")
        assert status(connection) == ("complete", None)
