"""What can happen to a sidecar: the rows come back in their old order, it is said, and the next call works."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import psycopg
import pytest

from bench.sql_faults import ALLOWED_MS, deaf_port, point_to
from integration.postgres.installed import Installed, add_loopback, install, status
from integration.postgres.liar import GARBAGE, Answer, Liar, Refusal, truthful
from integration.postgres.servers import Database
from integration.postgres.sidecar import API_KEY, KeyedSidecar, RestartableSidecar
from integration.postgres.ways import over_dblink

pytestmark = pytest.mark.alone

DOCUMENTS = ["味噌汁の作り方を述べる。", "東京の気候。", "富士山の標高は3776メートルである。"]
QUERY = "富士山の高さは"
OLD_ORDER = [1, 2, 3]
TIMEOUT_MS = 1000  # where none is given
SLACK_MS = 300  # of a machine that is busy with other tests; `python -m bench.sql faults` has none
IN_TIME_MS = TIMEOUT_MS + ALLOWED_MS + SLACK_MS

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


def assert_old_order(
    connection: psycopg.Connection[Any], *reasons: str, within_ms: float = IN_TIME_MS
) -> None:
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


READING_MS = 1500  # 8 MB are made, sent into a full pipe, and read back on a busy machine


def test_hung_before_a_large_request(fragile: Fragile) -> None:
    installed, sidecar = fragile
    large = "SELECT count(*) FROM jrerank.rerank('q', ARRAY(SELECT repeat('山', 900) FROM generate_series(1, 3000)))"
    with installed.connect() as connection:
        assert_works(connection)
        sidecar.freeze()
        started = time.monotonic()
        assert connection.execute(large).fetchone() == (3000,)
        assert (time.monotonic() - started) * 1000 < IN_TIME_MS + READING_MS
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
        assert_old_order(connection, "timeout", within_ms=2000 - 200 + ALLOWED_MS + SLACK_MS)
        sidecar.thaw()
        connection.execute("RESET statement_timeout")
        assert_works(connection)


LATERAL = """
SELECT count(*), count(r.score) FROM generate_series(1, 10) g,
  LATERAL jrerank.rerank(%s || g, %s::text[], timeout_ms => 600) r
"""


def test_hung_when_the_session_is_new(fragile: Fragile) -> None:
    """PostgreSQL 16 and newer would wait for ever in dblink_connect."""
    installed, sidecar = fragile
    sidecar.freeze()
    with installed.connect() as connection:
        connection.execute("SET statement_timeout = '10s'")  # a test that fails shall end
        assert_old_order(connection, "timeout")
        started = time.monotonic()
        assert connection.execute(LATERAL, (QUERY, DOCUMENTS)).fetchone() == (30, 0)
        assert time.monotonic() - started < 0.7 + SLACK_MS / 1000
        sidecar.thaw()
        assert_works(connection)


def test_hung_in_the_middle_of_a_statement_that_asks_often(fragile: Fragile) -> None:
    installed, sidecar = fragile
    with installed.connect() as connection:
        assert_works(connection)
        sidecar.freeze()
        started = time.monotonic()
        assert connection.execute(LATERAL, (QUERY, DOCUMENTS)).fetchone() == (30, 0)
        assert time.monotonic() - started < 0.7 + SLACK_MS / 1000
        sidecar.thaw()
        assert_works(connection)


def test_nobody_answers_when_the_session_is_new(way: Any, database_of_way: Database) -> None:
    """dblink's kernel looks at the time after a second for the first time."""
    with deaf_port() as deaf:
        installed = install(database_of_way, way.transport, deaf)
        with installed.connect() as connection:
            started = time.monotonic()
            assert connection.execute(LATERAL, (QUERY, DOCUMENTS)).fetchone() == (30, 0)
            assert time.monotonic() - started < 1.1 + SLACK_MS / 1000
            assert status(connection)[0] == "passthrough"
            started = time.monotonic()
            assert_old_order(connection, "timeout", "unreachable")
            if installed.transport == "dblink":  # it has been seen just now
                assert time.monotonic() - started < SLACK_MS / 1000


@over_dblink
def test_another_backend_looks_whether_anybody_answers(
    way: Any, database_of_way: Database, restartable: RestartableSidecar
) -> None:
    """So that no statement waits longer than it has time."""
    restartable.start()
    installed = install(database_of_way, way.transport, restartable.address)
    add_loopback(database_of_way)
    with deaf_port() as deaf, installed.connect() as connection:
        point_to(installed, deaf)
        for statement_ms, statement in ((600, LATERAL), (300, LATERAL.replace("600", "300"))):
            started = time.monotonic()
            assert connection.execute(statement, (QUERY, DOCUMENTS)).fetchone() == (30, 0)
            assert (time.monotonic() - started) * 1000 < statement_ms + ALLOWED_MS + SLACK_MS
            assert status(connection) == ("passthrough", "timeout")
        point_to(installed, restartable.address)
        assert_works(connection)
    restartable.freeze()
    with installed.connect() as connection:
        assert_old_order(connection, "timeout")
        restartable.thaw()
        assert_works(connection)
        assert connection.execute("SELECT dblink_get_connections()::text LIKE '%loopback%'").fetchone() == (
            False,
        )


@over_dblink
def test_no_error_leaves_the_other_backends_connection_open(
    way: Any, database_of_way: Database, restartable: RestartableSidecar
) -> None:
    """The session could send what it likes over it."""
    restartable.start()
    installed = install(database_of_way, way.transport, restartable.address)
    add_loopback(database_of_way)
    with database_of_way.connect() as admin:
        admin.execute("REVOKE EXECUTE ON FUNCTION dblink_send_query(text, text) FROM PUBLIC")
    with installed.connect() as connection, database_of_way.connect() as admin:
        assert_old_order(connection, "not_configured")
        assert connection.execute("SELECT dblink_get_connections()").fetchone() == (None,)
        admin.execute("SET ROLE jrerank_owner")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="dblink_send_query"):
            admin.execute("SELECT jrerank._dblink_loopback_obstacle()")
        assert admin.execute("SELECT dblink_get_connections()").fetchone() == (None,)


@over_dblink
def test_cancelled_while_another_backend_looks(way: Any, database_of_way: Database) -> None:
    with deaf_port() as deaf:
        installed = install(database_of_way, way.transport, deaf)
        add_loopback(database_of_way)
        with installed.connect() as connection:
            timer = threading.Timer(0.5, cancel_twice, [installed, connection.info.backend_pid])
            timer.start()
            with pytest.raises(psycopg.errors.QueryCanceled):
                order(connection, timeout_ms=30_000)
            timer.join()
            assert connection.execute("SELECT dblink_get_connections()").fetchone() == (None,)


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


def cancel_twice(installed: Installed, pid: int) -> None:
    """As PostgreSQL signals a cancel to the process and to its group: what clears up after the first could be met by the second."""
    with installed.database.connect() as admin:
        admin.execute("SELECT pg_cancel_backend(%(pid)s), pg_cancel_backend(%(pid)s)", {"pid": pid})


def test_cancelled_while_it_scores(installed: Installed) -> None:
    many = "ARRAY(SELECT g || repeat('日本の山と川と海について述べた長い文章である。', 20) FROM generate_series(1, 5000) g)"
    with installed.connect() as connection:
        assert_works(connection)
        timer = threading.Timer(1, cancel_twice, [installed, connection.info.backend_pid])
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


def twisted(**change: Any) -> Answer:
    """The truth, but for this in its ranking: a column, or what is made of one."""

    def answer(request: dict[str, Any]) -> Any:
        reply = truthful(request)
        ranking = reply["rankings"][0]
        for name, value in change.items():
            ranking[name] = value(ranking[name]) if callable(value) else value
        return reply

    return answer


def first(value: Any) -> Any:
    """A column, but for this in its first place."""
    return lambda column: [value, *column[1:]]


LIES: dict[str, Answer] = {
    "text": lambda _: "what?",
    "an empty text": lambda _: "",
    "an array": lambda _: [],
    "null": lambda _: "null",
    "no rankings": lambda request: {**truthful(request), "rankings": []},
    "a ranking too many": lambda request: {
        **truthful(request),
        "rankings": truthful(request)["rankings"] * 2,
    },
    "rankings that are none": lambda request: {**truthful(request), "rankings": 7},
    "a ranking that is none": lambda request: {**truthful(request), "rankings": [None]},
    "no hits": twisted(first_ranks=[], scores=[]),
    "hits that are none": twisted(first_ranks=7),
    "no column of places": twisted(first_ranks=None),
    "no column of scores": twisted(scores=None),
    "a hit too few": twisted(first_ranks=lambda column: column[1:], scores=lambda column: column[1:]),
    "a hit too many": twisted(first_ranks=lambda column: column * 2, scores=lambda column: column * 2),
    "a place too few": twisted(first_ranks=lambda column: column[1:]),
    "a score too many": twisted(scores=lambda column: [*column, 0.5]),
    "a score too few, where some may lack": twisted(scores=lambda column: column[:-1], outcome="partial"),
    "a place twice": twisted(first_ranks=lambda column: [column[1], *column[1:]]),
    "a place beyond the end": twisted(first_ranks=first(4)),
    "a place before the beginning": twisted(first_ranks=first(0)),
    "no place": twisted(first_ranks=first(None)),
    "a place that is text": twisted(first_ranks=first("one")),
    "no score": twisted(scores=first(None)),
    "a score that is no number": twisted(scores=first("NaN")),
    "an endless score": twisted(scores=first(1e300)),
    "a score that is text": twisted(scores=first("good")),
    "an unknown outcome": twisted(outcome="splendid"),
    "no outcome": twisted(outcome=None),
    "nothing scored, with scores": twisted(outcome="passthrough"),
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


Rows = list[tuple[int, float | None]]


def rows(connection: psycopg.Connection[Any], **options: Any) -> Rows:
    named = "".join(f", {name} => {value}" for name, value in options.items())
    return connection.execute(
        f"SELECT index, score FROM jrerank.rerank(%s, %s::text[]{named})", (QUERY, DOCUMENTS)
    ).fetchall()


def untouched(count: int = len(DOCUMENTS)) -> Rows:
    return [(index, None) for index in range(1, count + 1)]


def test_another_model_is_not_taken_for_the_one_that_was_asked_for(lied_to: LiedTo) -> None:
    installed, _ = lied_to
    with installed.connect() as connection:
        assert rows(connection, model="'another'") == untouched()
        assert status(connection) == ("passthrough", "wrong_model")
        assert rows(connection, model="'liar'") != untouched()
        assert status(connection) == ("complete", None)


def test_whatever_fails_no_row_has_a_score_of_another(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    with installed.connect() as connection:
        for answer in [*LIES.values(), *(always(refusal) for refusal, _ in REFUSALS)]:
            liar.answer = answer
            assert rows(connection) == untouched()
            assert rows(connection, top_n=2) == untouched(2)


def partial(request: dict[str, Any]) -> dict[str, Any]:
    """Only the last hit has been scored."""
    reply, last = truthful(request), len(request["texts"])
    score = 1 / (1 + len(request["texts"][-1]))
    places = {"first_ranks": [last, *range(1, last)], "scores": [score, *[None] * (last - 1)]}
    return {
        **reply,
        "rankings": [{**reply["rankings"][0], **places, "outcome": "partial", "reason": "deadline"}],
    }


def test_of_a_partial_answer_each_row_has_what_is_its_own(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    liar.answer = partial
    with installed.connect() as connection:
        scored, *rest = rows(connection)
        assert scored[0] == 3
        assert scored[1] == pytest.approx(1 / (1 + len(DOCUMENTS[2])))
        assert rest == [(1, None), (2, None)]
        connection.execute("SET jrerank.on_error = 'error'")
        assert len(rows(connection)) == 3
        connection.execute("SET jrerank.on_error = 'error_unless_complete'")
        with pytest.raises(psycopg.errors.ExternalRoutineException, match="jrerank: deadline"):
            rows(connection)
        liar.answer = truthful
        assert len(rows(connection)) == 3


HITS = """
SELECT id, score, rank, first_rank, first_score, scored FROM jrerank.rerank_hits(
    %s, ARRAY(SELECT jrerank.hit(i, d, s) FROM unnest(%s::text[], %s::float8[]) WITH ORDINALITY u(d, s, i)), top_n => %s)
"""


@pytest.mark.parametrize("top_n", [None, 2])
def test_rows_are_those_of_http(installed: Installed, sidecar: KeyedSidecar, top_n: int | None) -> None:
    scores = [3.5, 2.0, 1.0]
    hits = [
        {"id": str(place), "text": text, "score": score}
        for place, (text, score) in enumerate(zip(DOCUMENTS, scores, strict=True), 1)
    ]
    with sidecar.running.client(API_KEY) as client, installed.connect() as connection:
        answer = client.post("/v1/hits", json={"query": QUERY, "hits": hits, "top_n": top_n}).json()
        found = connection.execute(HITS, (QUERY, DOCUMENTS, scores, top_n)).fetchall()
    names = ("id", "score", "rank", "first_rank", "first_score", "scored")
    expected = [tuple(hit[name] for name in names) for hit in answer["hits"]]
    assert [row[:1] + row[2:] for row in found] == [row[:1] + row[2:] for row in expected]
    assert [row[1] for row in found] == pytest.approx([row[1] for row in expected])


def test_a_timeout_keeps_what_was_scored_by_then(installed: Installed) -> None:
    # Texts of this test's own: what another server has asked is in the sidecar's cache
    text = f"repeat('{uuid.uuid4()}日本の山と川と海について述べた長い文章である。', 4)"
    many = f"ARRAY(SELECT g || {text} FROM generate_series(1, 6000) g)"
    with installed.connect() as connection:
        assert_works(connection)
        call = f"SELECT count(*), count(score) FROM jrerank.rerank('山の話', {many}, timeout_ms => 2000)"
        row = connection.execute(call).fetchone()
        assert row is not None
        assert status(connection) == ("partial", "deadline")
        assert row[0] == 6000
        assert 0 < row[1] < 6000


def test_the_status_is_of_this_transaction_unless_a_session_wants_its_own(lied_to: LiedTo) -> None:
    """Behind a pooler the transaction before may have been another client's."""
    installed, liar = lied_to
    with installed.connect() as connection:
        connection.execute("SET jrerank.status = 'transaction'")
        order(connection)
        assert connection.execute("SELECT * FROM jrerank.rerank_status()").fetchall() == []
        with connection.transaction():
            order(connection)
            assert status(connection) == ("complete", None)
        liar.answer = always(Refusal(500, "XX000"))
        connection.execute("SET jrerank.on_error = 'error'")
        with pytest.raises(psycopg.Error), connection.transaction():
            order(connection)
        assert connection.execute("SELECT * FROM jrerank.rerank_status()").fetchall() == []


WITH_OUTCOME = """
SELECT index, (SELECT outcome FROM jrerank.rerank_status()), (SELECT reason FROM jrerank.rerank_status())
FROM jrerank.rerank(%s, %s::text[])
"""


def test_a_statement_has_its_own_outcome_beside_its_rows(lied_to: LiedTo) -> None:
    """Also in autocommit mode behind a pooler: it is one statement."""
    installed, liar = lied_to
    with installed.connect() as connection:
        connection.execute("SET jrerank.status = 'transaction'")
        for answer, outcome, reason in (
            (truthful, "complete", None),
            (always(Refusal(500, "XX000")), "passthrough", "sidecar_error"),
            (partial, "partial", "deadline"),
        ):
            liar.answer = answer
            found = connection.execute(WITH_OUTCOME, (QUERY, DOCUMENTS)).fetchall()
            assert sorted(row[0] for row in found) == OLD_ORDER
            assert {row[1:] for row in found} == {(outcome, reason)}
            assert connection.execute("SELECT * FROM jrerank.rerank_status()").fetchall() == []


def test_after_a_savepoint_the_status_is_that_of_the_calls_that_count(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    with installed.connect() as connection, connection.transaction():
        order(connection)
        liar.answer = always(Refusal(500, "XX000"))
        with connection.transaction(force_rollback=True):
            order(connection)
            assert status(connection) == ("passthrough", "sidecar_error")
        assert status(connection) == ("complete", None)


ODD_SCORES = [1e39, -1e39, 1e-50, 1e308, float("nan"), float("inf"), 0.5]


def test_scores_that_a_real_cannot_hold_do_no_harm(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    call = """
    SELECT count(*) FROM jrerank.rerank_hits('山', (SELECT jrerank.hits(s::text, '山', s) FROM unnest(%s::float8[]) s))
    """
    with installed.connect() as connection:
        assert connection.execute(call, (ODD_SCORES,)).fetchone() == (len(ODD_SCORES),)
        assert liar.asked[-1]["scores"] == [None, None, 0, None, None, None, 0.5]


def test_50_rows_are_one_request(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    statement = """
    SELECT a.id FROM generate_series(1, 50) a(id) JOIN generate_series(1, 50) b(id) USING (id)
    ORDER BY jrerank.rerank_score(%s, repeat('山', a.id)) OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) DESC LIMIT 3
    """
    with installed.connect() as connection:
        assert connection.execute(statement, ("山",)).fetchall() == [(1,), (2,), (3,)]
        assert [len(request["texts"]) for request in liar.asked] == [50]
        for window in ("", "OVER ()", "OVER (ORDER BY id)"):
            with pytest.raises(psycopg.errors.WindowingError, match="needs OVER"):
                connection.execute(
                    f"SELECT jrerank.rerank_score('山', '川') {window} FROM generate_series(1, 3) g(id)"
                )


def test_many_queries_are_one_request(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    call = "SELECT query_index, index FROM jrerank.rerank_many(%s::text[], %s::text[], top_n => 2)"
    with installed.connect() as connection:
        found = connection.execute(call, (["山", None, "川"], [*DOCUMENTS, None])).fetchall()
        assert found == [(1, 2), (1, 1), (2, 1), (2, 2), (3, 2), (3, 1)]
        assert [request["queries"] for request in liar.asked] == [["山", "川"]]
        assert status(connection) == ("passthrough", "null_query")
        connection.execute(
            call, ([str(number) for number in range(30)], [str(number) for number in range(100)])
        )
        assert [len(request["queries"]) for request in liar.asked[1:]] == [10, 10, 10]
        liar.answer = twisted(outcome="splendid")
        assert connection.execute(call, (["山", "川"], DOCUMENTS)).fetchall() == [
            (1, 1),
            (1, 2),
            (2, 1),
            (2, 2),
        ]
        assert status(connection) == ("passthrough", "bad_answer")
        assert connection.execute(call, ([], DOCUMENTS)).fetchall() == []
        assert status(connection) == ("complete", None)


def test_the_time_of_many_queries_is_no_longer_than_a_request_may_have(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    call = "SELECT count(*) FROM jrerank.rerank_many(%s::text[], ARRAY['山'], timeout_ms => 86400000)"
    with installed.connect() as connection:
        assert connection.execute(call, (["山"] * 50,)).fetchone() == (50,)
        assert status(connection) == ("complete", None)
    assert 86_000_000 < liar.asked[0]["timeout_ms"] <= 86_400_000


@pytest.mark.parametrize("array", ["[0:2]={aaa,b,cc}", "{{aaa},{b},{cc}}"])
def test_arrays_of_any_bounds(lied_to: LiedTo, array: str) -> None:
    installed, _ = lied_to
    expected = [(2, "b"), (3, "cc"), (1, "aaa")]
    hits = """
    SELECT first_rank, id FROM jrerank.rerank_hits('山',
      (SELECT ('[5:7]=' || array_agg(jrerank.hit(d, d))::text)::jrerank.hit[] FROM unnest(%s::text[]) d))
    """
    with installed.connect() as connection:
        texts = "SELECT index, document FROM jrerank.rerank('山', %s::text[])"
        assert connection.execute(texts, (array,)).fetchall() == expected
        assert connection.execute(hits, (array,)).fetchall() == expected
