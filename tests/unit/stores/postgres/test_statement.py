"""The one statement that a store runs."""

from __future__ import annotations

import pytest

from jrerank.stores.postgres.settings import PostgresSettings
from jrerank.stores.postgres.statement import statement


def sql_of(**given: object) -> str:
    return statement(PostgresSettings.read("docs", {"dsn": "dbname=docs", **given})).as_string(None)


def test_a_table_is_read_by_its_id_column() -> None:
    asked = sql_of(table="docs")
    assert 'select "id"::text, "text"::text from "docs" where "id" = any(%(ids)s::text[])' in asked
    assert 'sum(coalesce(octet_length("c0"), 0) + coalesce(octet_length("c1"), 0))' in asked


def test_the_ids_take_the_type_of_the_column() -> None:
    selection = 'select "n"::text, "title"::text, "body"::text from "s"."docs" where "n" = any(%(ids)s::text[]::bigint[])'
    assert selection in sql_of(
        table="s.docs", id_column="n", text_columns=["title", "body"], id_type="bigint"
    )


def test_a_query_is_taken_as_it_is() -> None:
    query = "select id, a from v where id = any(%(ids)s)"
    cast = "select id, a from v where id = any(%(ids)s::text[]::uuid[])"
    for written in (query, query + ";", query + " ;\n-- by id", query + " -- by id"):
        assert cast in sql_of(query=written, id_type="uuid")


@pytest.mark.parametrize("name", ['docs"; drop table docs; --', "%(ids)s", "do'cs", "{ids}", "％"])
def test_names_are_names_whatever_they_hold(name: str) -> None:
    quoted = '"' + name.replace('"', '""').replace("%", "%%") + '"'  # psycopg takes one % for a parameter
    assert f"from {quoted} where" in sql_of(table=name)
    assert f"select {quoted}::text" in sql_of(table="docs", id_column=name)
