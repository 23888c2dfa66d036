"""What drivers ask by themselves."""

from __future__ import annotations

import pytest

from jrerank.doors.pgwire.introspection import introspection


@pytest.mark.parametrize(
    ("sql", "tag", "value"),
    [
        ("SHOW TRANSACTION ISOLATION LEVEL", "SHOW", "read committed"),
        ("show standard_conforming_strings", "SHOW", "on"),
        ("SHOW server_version", "SHOW", "16.0 (jrerank)"),
        ("select current_schema()", "SELECT 1", "public"),
        ("SELECT t.oid, typarray FROM pg_type t WHERE typname = 'hstore'", "SELECT 0", ""),
        ("select typname as name from pg_catalog.pg_type t where t.oid = $1::regtype", "SELECT 0", ""),
    ],
)
def test_what_drivers_ask_when_they_connect_has_an_answer(sql: str, tag: str, value: str) -> None:
    result = introspection(sql)
    assert result is not None
    assert (result.tag, result.value, result.has_row) == (tag, value, bool(value))


def test_the_version_begins_as_drivers_read_it() -> None:
    result = introspection("select pg_catalog.version()")
    assert result is not None
    assert str(result.value).startswith("PostgreSQL 16.0 ")


@pytest.mark.parametrize(
    "sql", ["SHOW nothing", "SELECT * FROM passages", "SELECT 1", "", "SELECT 'pg_type'"]
)
def test_what_is_nothing_of_the_kind_is_left_alone(sql: str) -> None:
    assert introspection(sql) is None
