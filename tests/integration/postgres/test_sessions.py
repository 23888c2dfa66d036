"""The answer is the same whatever a session has set, and whatever else is in the schema of dblink or http."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from integration.postgres.installed import Installed, status
from integration.postgres.liar import Liar, truthful
from integration.postgres.ways import with_icu

LiedTo = tuple[Installed, Liar]
Connection = psycopg.Connection[Any]

ORDERED = "SELECT array_agg(index) FROM jrerank.rerank('山', ARRAY['aaa', 'b', 'cc'])"
SETTINGS = [
    "plpgsql.extra_errors = 'all'",  # first, since functions are compiled once a session
    "standard_conforming_strings = off",
    "backslash_quote = off",
    "datestyle = 'SQL, DMY'",
    "timezone = 'Asia/Jakarta'",
    "intervalstyle = iso_8601",
    "extra_float_digits = -10",
    "array_nulls = off",
    "bytea_output = escape",
    "quote_all_identifiers = on",
    "client_encoding = 'EUC_JP'",
    "plan_cache_mode = force_custom_plan",
    "enable_sort = off",
    "enable_hashagg = off",
    "enable_nestloop = off",
    "transform_null_equals = on",
    "work_mem = '64kB'",
    "jit_above_cost = 0",
    "default_transaction_isolation = serializable",
    "default_transaction_read_only = on",
]


def cpu_s(connection: Connection, statement: str) -> float:
    """Of the server, which other tests can't delay."""
    clock = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    before = int(clock.read_text().split()[0])
    connection.execute(statement.encode()).fetchall()
    return (int(clock.read_text().split()[0]) - before) / 1e9


def test_no_setting_of_a_session_changes_the_order(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    workers = "debug_parallel_query" if installed.database.server.major >= 16 else "force_parallel_mode"
    with installed.connect() as connection:
        for setting in [*SETTINGS, f"{workers} = on"]:
            connection.execute(f"SET {setting}")
            assert connection.execute(ORDERED).fetchone() == ([2, 3, 1],), setting
            assert status(connection) == ("complete", None)
    assert len(liar.asked) == len(SETTINGS) + 1


def test_connection_options_are_quoted_the_same_in_any_session(lied_to: LiedTo) -> None:
    installed, _ = lied_to
    statement = "SELECT jrerank._dblink_conninfo('nowhere', 'password', chr(39) || 'a' || chr(92))"
    with installed.database.connect() as admin:
        for strings in ("on", "off"):
            admin.execute(f"SET standard_conforming_strings = {strings}")
            assert admin.execute(statement).fetchone() == (r"password='\'a\\'",)


def test_a_statement_gives_up_once_in_any_time_zone(lied_to: LiedTo) -> None:
    """An abbreviation such as WIB, or IST in India, can't be read back."""
    installed, _ = lied_to
    statement = """
    SELECT count(r.score) FROM generate_series(1, 2) g, LATERAL jrerank.rerank('山' || g, ARRAY['川'], timeout_ms => 1) r
    """
    with installed.connect() as connection:
        for style, zone in (("SQL", "Asia/Jakarta"), ("Postgres", "Asia/Kolkata"), ("ISO", "Asia/Tokyo")):
            connection.execute(f"SET datestyle = {style}; SET timezone = '{zone}'")
            assert connection.execute(statement).fetchone() == (0,)
            told = connection.execute("SELECT reason, detail FROM jrerank.rerank_status()").fetchone()
            assert told == ("timeout", "a call of the same statement got no answer just now")


def test_what_a_session_has_put_in_place_of_kept_moments_does_no_harm(lied_to: LiedTo) -> None:
    installed, _ = lied_to
    with installed.connect() as connection:
        for value in (
            "x",
            "x|jrerank",
            "9999999999999.1|9999999999999.1|timeout",
            "1e5",
            "99999999999.1|jrerank",
            "99999999999.1",
        ):
            connection.execute("SELECT jrerank.rerank_disconnect()")  # only who connects looks at cut_off
            for name in ("gave_up", "cut_off", "waiting_since", "window"):
                connection.execute("SELECT set_config(%s, %s, false)", [f"jrerank.{name}", value])
            assert connection.execute(ORDERED).fetchone() == ([2, 3, 1],)


def test_a_moment_that_is_yet_to_come_keeps_no_busy_connection(lied_to: LiedTo) -> None:
    """It would be waited for 30 s from then on, and not from now on."""
    installed, liar = lied_to
    if installed.transport == "http":
        return  # which waits for nothing that was asked before
    go_on = threading.Event()

    def late(request: dict[str, Any]) -> Any:
        go_on.wait(60)
        return truthful(request)

    with installed.connect() as connection:
        assert connection.execute(ORDERED).fetchone() == ([2, 3, 1],)
        liar.answer = late
        connection.execute("SET jrerank.timeout_ms = 500")
        connection.execute(ORDERED)
        for value in ("x", "1e5", "99999999999.1"):
            connection.execute("SELECT set_config('jrerank.waiting_since', %s, false)", [value])
            connection.execute(ORDERED)
            assert status(connection) == ("passthrough", "timeout")
            kept = (
                "SELECT to_timestamp(current_setting('jrerank.waiting_since')::float8) <= clock_timestamp()"
            )
            assert connection.execute(kept).fetchone() == (True,), value
        go_on.set()
        connection.execute("SET jrerank.timeout_ms = 5000")
        assert connection.execute(ORDERED).fetchone() == ([2, 3, 1],)
    assert len(liar.asked) == 3, "the connection was kept, and nothing sent over it meanwhile"


def status_of(*fields: str) -> str:
    """As a call would have left it."""
    return "\x1f".join(fields)


COUNTED = ("complete", "", "", "", "", "2", "2", "", "")
FOREIGN_STATUS = [
    "done",
    "{}",
    '{"outcome": "complete", "at": "never"}',
    status_of(*[""] * 11),
    status_of(*COUNTED[:5], "99999999999", *COUNTED[6:], "1.0", "1.0"),
    status_of(*COUNTED, "quick", "1.0"),
    status_of(*COUNTED, "1.0", "never"),
]


def test_a_status_that_no_call_has_left_says_what_to_do_and_fails_no_query(lied_to: LiedTo) -> None:
    installed, _ = lied_to
    with installed.connect() as connection:
        for kept in FOREIGN_STATUS:
            connection.execute("SELECT set_config('jrerank.last_status', %s, false)", (kept,))
            found = connection.execute(
                "SELECT outcome, documents, detail FROM jrerank.rerank_status()"
            ).fetchall()
            assert [row[:2] for row in found] == [(None, None)], kept
            assert found[0][2].endswith("RESET jrerank.last_status")
        connection.execute("RESET jrerank.last_status")
        assert connection.execute("SELECT * FROM jrerank.rerank_status()").fetchall() == []


def test_open_sessions_use_a_transport_that_was_installed_anew(lied_to: LiedTo) -> None:
    installed, _ = lied_to
    with installed.connect() as connection, installed.database.connect() as admin:
        for _ in range(2):
            for _ in range(7):  # PL/pgSQL's plans are kept from the sixth call on
                assert connection.execute(ORDERED).fetchone() == ([2, 3, 1],)
                assert status(connection) == ("complete", None)
            admin.execute(f"DROP EXTENSION {installed.transport}")
            admin.execute(f"CREATE EXTENSION {installed.transport}")


def test_a_status_is_whole_whatever_the_sidecar_has_said(lied_to: LiedTo) -> None:
    installed, _ = lied_to
    ids = ["x", "", "富士", "a\x1eb", "\x1f", "\x1ab", "\x1a\x1ec\x1a"]
    said = "ROW('{}', 'partial', chr(31), 'a' || chr(31) || 'b', 'dblink', '', 'NaN', %s::text[])::jrerank._outcome"
    with installed.database.connect() as admin:
        admin.execute(f"SELECT jrerank._report(clock_timestamp(), 3, {said})", [ids])
        columns = "outcome, reason, detail, documents, scored, missing, sidecar_ms"
        assert admin.execute(f"SELECT {columns} FROM jrerank.rerank_status()").fetchall() == [
            ("partial", " ", "a b", 3, 0, ids, None)
        ]


def test_the_scores_of_rows_are_whole_in_any_session(lied_to: LiedTo) -> None:
    installed, _ = lied_to
    statement = """
    SELECT d, jrerank.rerank_score('山', d) OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)::float8 * 1e6
    FROM unnest(ARRAY['aa', NULL, 'aaaaaa', 'bb']) d
    """
    with installed.connect() as connection:
        expected = connection.execute(statement).fetchall()
        connection.execute("SET extra_float_digits = -10; SET array_nulls = off")
        connection.execute("CREATE TEMP TABLE scored AS " + statement)
        connection.execute("RESET extra_float_digits")
        assert connection.execute("SELECT * FROM scored").fetchall() == expected


def test_first_stage_scores_are_sent_whole_from_any_session(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    with installed.connect() as connection:
        connection.execute("SET extra_float_digits = -10")
        connection.execute(
            "SELECT * FROM jrerank.rerank_hits('山', ARRAY[1, 2], ARRAY['a', 'b'], ARRAY[0.1234567, 0.1234568])"
        )
    assert liar.asked[-1]["scores"] == [0.1234567, 0.1234568]


@pytest.mark.parametrize("ids", ["[0:2]={7,8,9}", "{{7},{8},{9}}"])
def test_ids_and_scores_of_any_bounds(lied_to: LiedTo, ids: str) -> None:
    installed, _ = lied_to
    call = "SELECT id, first_score FROM jrerank.rerank_hits('山', %s::int[], '{aaa,b,cc}', '{{0.3},{0.2},{0.1}}')"
    with installed.connect() as connection:
        assert connection.execute(call, (ids,)).fetchall() == [(8, 0.2), (9, 0.1), (7, 0.3)]


def test_the_time_for_many_documents_does_not_grow_with_their_square(lied_to: LiedTo) -> None:
    """Also in a session's first calls, of which PostgreSQL would plan each with the arrays' own values."""
    installed, _ = lied_to
    ids, texts = "ARRAY(SELECT generate_series(1, {0}))", "ARRAY(SELECT 'x' FROM generate_series(1, {0}))"
    forms = {
        "rerank": f"jrerank.rerank('山', {texts}, timeout_ms => 1)",
        "rerank_hits": f"jrerank.rerank_hits('山', {ids}, {texts}, timeout_ms => 1)",
    }
    for name, form in forms.items():
        with installed.connect() as connection:
            first = cpu_s(connection, f"SELECT count(*) FROM {form.format(4_000)}")
            assert cpu_s(connection, f"SELECT count(*) FROM {form.format(32_000)}") < 16 * first, name


@pytest.mark.parametrize("kind", ["varchar(100)", "char(20)"])
def test_a_search_reads_columns_of_any_kind_of_text(lied_to: LiedTo, kind: str) -> None:
    installed, _ = lied_to
    with installed.database.connect() as admin:
        admin.execute(f"CREATE TABLE pages (id int, body {kind})")
        admin.execute("INSERT INTO pages VALUES (1, '富士山の高さ'), (2, '味噌汁')")
        call = "SELECT id, document FROM jrerank.search('富士山', 'pages', text_column => 'body')"
        assert admin.execute(call).fetchall() == [("1", "富士山の高さ")]


# What these functions call, of the same or of a nearer type than PostgreSQL's own
HIJACKED = [
    "set_config(text, text, boolean) RETURNS text",
    "format(text, text) RETURNS text",
    "concat(text, text, text, text) RETURNS text",
    "clock_timestamp() RETURNS timestamptz",
    "gen_random_uuid() RETURNS uuid",
    "pg_sleep(float8) RETURNS void",
    "unnest(text[]) RETURNS SETOF text",
    "split_part(text, text, int) RETURNS text",
    "max(text) RETURNS text",
    "encode(bytea, text) RETURNS text",
    "sha256(bytea) RETURNS bytea",
    "convert_to(text, text) RETURNS bytea",
    "int_equal(int, int) RETURNS boolean",
    "text_equal(text, text) RETURNS boolean",
    "moment_at_least(timestamptz, timestamptz) RETURNS boolean",
    "numeric_by_int(numeric, int) RETURNS numeric",
    "joined(bytea, bytea) RETURNS bytea",
    "dblink_is_busy(varchar) RETURNS int",
    "dblink_send_query(varchar, text) RETURNS int",
    "dblink_get_result(varchar) RETURNS SETOF record",
    "concat(text, text) RETURNS text",
    "array_length(text[], int) RETURNS int",
    "http_set_curlopt(text, text) RETURNS boolean",
    "http_list_curlopt(int) RETURNS SETOF record",
]
# Of types that only http has
HIJACKED_OF_HTTP = [
    "array_prepend(http_header, http_header[]) RETURNS http_header[]",
    "http(record) RETURNS http_response",
]
OPERATORS = {
    "int_equal": ("=", "int", "int"),
    "text_equal": ("=", "text", "text"),
    "moment_at_least": (">=", "timestamptz", "timestamptz"),
    "numeric_by_int": ("/", "numeric", "int"),
    "joined": ("||", "bytea", "bytea"),
}


def test_nothing_else_in_the_transports_schema_is_called(lied_to: LiedTo) -> None:
    installed, _ = lied_to
    with installed.database.connect() as admin:
        admin.execute("ALTER SERVER jrerank OPTIONS (ADD curlopt_useragent 'rerank')")  # so that one is set
        for function in [*HIJACKED, *(HIJACKED_OF_HTTP if installed.transport == "http" else ())]:
            body = f"BEGIN RAISE EXCEPTION 'hijacked by {function.split('(')[0]}'; END"
            admin.execute(f"CREATE FUNCTION public.{function} LANGUAGE plpgsql AS $${body}$$")
        for name, (operator, left, right) in OPERATORS.items():
            admin.execute(
                f"CREATE OPERATOR public.{operator} (FUNCTION = public.{name}, LEFTARG = {left}, RIGHTARG = {right})"
            )
    with installed.connect() as connection:
        for _ in range(2):
            assert connection.execute(ORDERED).fetchone() == ([2, 3, 1],)
            assert connection.execute("SELECT outcome, detail FROM jrerank.rerank_status()").fetchone() == (
                "complete",
                None,
            )
        assert connection.execute("SELECT jrerank.rerank_disconnect()").fetchone() is not None


COLLATED = [
    "rerank(q, ARRAY[body])",
    "rerank_json(q, to_json(ARRAY[body])::text COLLATE {collation})",
    "rerank_hits(q, ARRAY[id], ARRAY[body])",
    "rerank_hits(q, ARRAY[jrerank.hit(id, body)])",
    "rerank_ids(q, body, ARRAY[body])",
    "rerank_many(ARRAY[q], ARRAY[body])",
    "search(q, 'pages', text_column => 'body', vector_column => q)",
]
ANY_CASE = "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"


def test_columns_of_collations_of_their_own(lied_to: LiedTo) -> None:
    """Two of them can't be compared, nor one with the catalog's, nor can one that is not deterministic have regular expressions."""
    installed, _ = lied_to
    collations = ['"POSIX"', "any_case"] if installed.database.server.major == 15 else ['"POSIX"']
    with installed.database.connect() as admin:
        if "any_case" in collations:  # the other server was built without ICU
            admin.execute(ANY_CASE)
        for collation in collations:
            admin.execute(f"CREATE TABLE pages (id int, body text COLLATE {collation})")
            admin.execute("INSERT INTO pages VALUES (1, 'ABC 富士山の頂')")
            for form in COLLATED:
                call = form.format(collation=collation)
                rows = f"FROM (SELECT '富士'::text COLLATE \"C\" AS q) a, pages, jrerank.{call}"
                assert admin.execute(f"SELECT count(*) {rows}".encode()).fetchone() == (1,), call
                assert status(admin) == ("complete", None)
            admin.execute("DROP TABLE pages")


@with_icu
def test_queries_that_a_collation_takes_for_the_same_are_two(lied_to: LiedTo) -> None:
    installed, _ = lied_to
    with installed.database.connect() as admin:
        admin.execute(ANY_CASE)
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="the query is the same for all rows"):
            admin.execute("""
                SELECT jrerank.rerank_score(q, q) OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
                FROM (VALUES ('A' COLLATE any_case), ('a')) v(q)
            """)


def test_in_a_materialized_view_and_through_a_cursor(lied_to: LiedTo) -> None:
    installed, liar = lied_to
    with installed.database.connect() as admin:
        admin.execute("SET jrerank.on_error = 'error_unless_complete'")
        admin.execute(f"CREATE MATERIALIZED VIEW kept AS {ORDERED}")
        admin.execute("REFRESH MATERIALIZED VIEW kept")
        assert admin.execute("SELECT * FROM kept").fetchall() == [([2, 3, 1],)]
        admin.execute(f"DECLARE held CURSOR WITH HOLD FOR {ORDERED}")
        assert admin.execute("FETCH ALL FROM held").fetchall() == [([2, 3, 1],)]
    assert len(liar.asked) == 3
