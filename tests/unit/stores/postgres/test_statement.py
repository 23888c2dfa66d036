"""The one statement that a store runs."""

from __future__ import annotations

import pytest

from jrerank.stores.postgres.settings import PostgresSettings
from jrerank.stores.postgres.statement import statement


def sql_of(**given: object) -> str:
    return statement(PostgresSettings.read("docs", {"dsn": "dbname=docs", **given})).as_string(None)


def test_a_table_is_read_by_its_id_column() -> None:
    assert sql_of(table="docs") == (
        'select "id"::text, "text"::text from "docs" where "id" = any(%(ids)s::text[])'
    )


def test_the_ids_take_the_type_of_the_column() -> None:
    assert sql_of(table="s.docs", id_column="n", text_columns=["title", "body"], id_type="bigint") == (
        'select "n"::text, "title"::text, "body"::text from "s"."docs" where "n" = any(%(ids)s::text[]::bigint[])'
    )


def test_a_query_is_taken_as_it_is() -> None:
    assert sql_of(query="select id, a from v where id = any(%(ids)s)", id_type="uuid") == (
        "select id, a from v where id = any(%(ids)s::text[]::uuid[])"
    )


@pytest.mark.parametrize("name", ['docs"; drop table docs; --', "%(ids)s", "do'cs", "{ids}", "％"])
def test_names_are_names_whatever_they_hold(name: str) -> None:
    quoted = '"' + name.replace('"', '""').replace("%", "%%") + '"'  # psycopg takes one % for a parameter
    assert f"from {quoted} where" in sql_of(table=name)
    assert f"select {quoted}::text" in sql_of(table="docs", id_column=name)
