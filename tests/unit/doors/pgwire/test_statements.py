"""What a query text says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.pgwire.faults import NoSql, NotSpoken
from jrerank.doors.pgwire.messages import ANSWER, ONE, Result
from jrerank.doors.pgwire.statements import (
    Part,
    Prove,
    Rerank,
    SessionStatement,
    column_of,
    is_placeholder,
    read_statement,
    takes_parameters,
)


def said(text: str) -> SessionStatement:
    statement = read_statement(text, continued=False)
    assert isinstance(statement, SessionStatement)
    return statement


@pytest.mark.parametrize("text", ['{"query": 1}', ' \n{"query": 1} ; \n', '{"query": 1};;'])
def test_what_begins_like_json_is_a_request(text: str) -> None:
    assert read_statement(text, continued=False) == Rerank('{"query": 1}')


@given(st.text())
def test_a_plus_makes_a_part_and_nothing_of_its_text_is_lost(text: str) -> None:
    assert read_statement("+" + text, continued=False) == Part(text)
    assert read_statement("+" + text, continued=True) == Part(text)


@given(st.text().filter(lambda text: not text.startswith("+")))
def test_after_parts_everything_else_is_the_last_one(text: str) -> None:
    assert read_statement(text, continued=True) == Rerank(text)


@pytest.mark.parametrize(
    ("text", "tag", "in_transaction"),
    [
        ("BEGIN", "BEGIN", True),
        ("begin transaction read only;", "BEGIN", True),
        ("START TRANSACTION", "BEGIN", True),
        ("commit", "COMMIT", False),
        ("END;", "COMMIT", False),
        ("ROLLBACK", "ROLLBACK", False),
        ("abort", "ROLLBACK", False),
        ('ROLLBACK TO "s1"', "ROLLBACK", None),
        ('SAVEPOINT "s1"', "SAVEPOINT", None),
        ('RELEASE "s1"', "RELEASE", None),
        ("SET application_name = 'me'", "SET", None),
        ("set client_encoding to 'UTF8'", "SET", None),
        ("SET client_encoding = unicode", "SET", None),
        ("set extra_float_digits = 3", "SET", None),
        ("RESET ALL", "RESET", None),
        ("close all", "CLOSE", None),
        ("UNLISTEN *", "UNLISTEN", None),
        ("SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nRESET ALL;", "SELECT", None),
        ("", "", None),
        (" ; ", "", None),
    ],
)
def test_what_drivers_send_of_their_own_accord_is_taken(
    text: str, tag: str, in_transaction: bool | None
) -> None:
    assert said(text) == SessionStatement(Result(tag), in_transaction)


@pytest.mark.parametrize("text", ["SELECT 1", "select  1;"])
def test_pools_may_look_whether_the_connection_lives(text: str) -> None:
    assert said(text) == SessionStatement(Result("SELECT 1", ONE, "1"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("DEALLOCATE _pg3_0", "_pg3_0"),
        ('deallocate prepare "a b"', "a b"),
        ("DEALLOCATE ALL", "ALL"),
        ("DISCARD ALL", "ALL"),
        ("DISCARD PLANS", ""),
        ("DISCARD TEMP", ""),
    ],
)
def test_prepared_statements_are_forgotten_by_name(text: str, name: str) -> None:
    assert said(text).deallocates == name


@pytest.mark.parametrize("name", ["EUC_JP", "'SJIS'", "latin1", "SQL_ASCII"])
def test_another_encoding_is_refused(name: str) -> None:
    with pytest.raises(NotSpoken, match="UTF-8"):
        read_statement(f"SET client_encoding TO {name}", continued=False)


@pytest.mark.parametrize(
    "text",
    ["SELECT 2", "SELECT 1 FROM x", "DROP TABLE x", "settle", "富士山", "[1]", "selected 1", "beginning"],
)
def test_sql_is_not_spoken(text: str) -> None:
    with pytest.raises(NoSql):
        read_statement(text, continued=False)


@pytest.mark.parametrize(
    "text", ["$1", " $1::jsonb ; ", "SELECT $1", "select rerank($1)", "SELECT jrerank.rerank( $1::json )"]
)
def test_the_request_may_be_the_parameter(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize("text", ["$2", "SELECT $1, $2", "select other($1)", "$1 or true", '{"a": "$1"}', ""])
def test_nothing_else_may(text: str) -> None:
    assert not is_placeholder(text)


def test_only_answers_and_pings_have_a_column() -> None:
    assert column_of(Rerank("{}")) == ANSWER
    assert column_of(said("SELECT 1")) == ONE
    assert column_of(Part("{")) is column_of(said("BEGIN")) is None


@given(st.text().filter(lambda text: "\0" not in text))
def test_a_driver_may_put_the_request_into_the_statement_itself(text: str) -> None:
    quoted = text.replace("'", "''")
    assert read_statement(f"SELECT rerank('{quoted}')", continued=False) == Rerank(text)
    escaped = quoted.replace("\\", "\\\\")
    assert read_statement(f"select jrerank.rerank( E'{escaped}'::json )", continued=False) == Rerank(text)


def test_but_nothing_behind_it() -> None:
    with pytest.raises(NotSpoken):
        read_statement("SELECT rerank('{}') + rerank('{}')", continued=False)


def test_a_sidecar_proves_that_it_knows_the_key() -> None:
    assert read_statement(f"PROVE {'a' * 64} {'1' * 36}", continued=False) == Prove("a" * 64, "1" * 36)
    with pytest.raises(NoSql):
        read_statement("PROVE a b", continued=False)


def test_megabytes_of_blanks_are_no_statement_of_a_drivers() -> None:
    """To look through them would hold up the event loop."""
    blanks = " " * 100_000
    assert not is_placeholder(f"{blanks}$1")
    assert not takes_parameters(f"{blanks}select typname from pg_type")
    assert is_placeholder(f"{blanks[:1_000]}$1")
    assert takes_parameters(f"{blanks[:1_000]}select typname from pg_type")
