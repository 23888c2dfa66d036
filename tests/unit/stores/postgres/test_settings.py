"""What the settings may say of a PostgreSQL store, and how an error names the field without its value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jrerank.errors import ConfigurationError
from jrerank.stores.postgres.settings import PostgresSettings

DSN = "postgresql://me:secret@db/docs"


def test_a_table_has_defaults() -> None:
    settings = PostgresSettings.read("docs", {"kind": "postgres", "dsn": DSN, "table": "docs"})
    assert (settings.id_type, settings.returns_text, settings.pool_size) == ("text", False, 4)
    assert settings.conninfo() == DSN


def test_one_text_column_needs_no_list() -> None:
    assert PostgresSettings.read("docs", {"dsn": DSN, "table": "t", "text_columns": "body"}).text_columns == (
        "body",
    )


def test_the_connection_string_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text(f"{DSN}\n")
    settings = PostgresSettings.read("docs", {"dsn_file": str(tmp_path / "dsn"), "table": "docs"})
    assert settings.conninfo() == DSN


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(PostgresSettings.read("docs", {"dsn": DSN, "table": "docs"}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"table": "docs"}, "docs: one of dsn and dsn_file"),
        ({"dsn": DSN, "dsn_file": __file__, "table": "docs"}, "docs.dsn_file: is no connection string"),
        ({"dsn": DSN}, "docs: one of table and query"),
        ({"dsn": DSN, "table": "docs", "query": "select %(ids)s"}, "docs: one of table and query"),
        ({"dsn": "secret", "table": "docs"}, "docs.dsn: is no connection string"),
        ({"dsn": "postgresql://me:secret@db/x?nonsense=1", "table": "docs"}, "docs.dsn: is no connection"),
        ({"dsn_file": "/no/such/file", "table": "docs"}, "docs.dsn_file: cannot be read: No such file"),
        ({"dsn": DSN, "table": ""}, "docs.table: must be a table's name"),
        ({"dsn": DSN, "table": "a.b.c"}, "docs.table: must be a table's name"),
        ({"dsn": DSN, "table": "docs", "id_column": ""}, "docs.id_column: must be a name"),
        ({"dsn": DSN, "table": "docs", "id_type": "secret"}, "docs.id_type: Input should be 'text'"),
        ({"dsn": DSN, "table": "docs", "text_columns": []}, "docs.text_columns: "),
        ({"dsn": DSN, "table": "docs", "text_columns": ["a", "b\0"]}, "docs.text_columns.1: must be a name"),
        ({"dsn": DSN, "table": "docs", "pool_size": 0}, "docs.pool_size: Input should be greater"),
        ({"dsn": DSN, "table": "docs", "pasword": "secret"}, "docs.pasword: Extra inputs"),
        ({"dsn": DSN, "query": "select 1"}, "docs.query: must ask for the ids"),
        ({"dsn": DSN, "query": "select %(ids)s, 5 % 2"}, "docs.query: holds a %"),
        ({"dsn": DSN, "query": "select %(ids)s; select 1"}, "docs.query: must be a single statement"),
        ({"dsn": DSN, "query": "select 1; -- %(ids)s"}, "docs.query: must ask for the ids"),
        ({"dsn": DSN, "query": "select %(ids)s /* all"}, "docs.query: has a /* that nothing closes"),
        ({"dsn": DSN, "query": "select %(ids)s", "id_column": "id"}, "docs: id_column and text_columns go"),
    ],
)
def test_a_wrong_field_is_named_and_no_secret_repeated(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PostgresSettings.read("docs", given)
    assert str(caught.value).startswith(f"JRERANK_STORES.{said}")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe", b"secret"])
def test_a_file_without_a_connection_string_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "dsn").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"^JRERANK_STORES\.docs\.dsn_file: ") as caught:
        PostgresSettings.read("docs", {"dsn_file": str(tmp_path / "dsn"), "table": "docs"})
    assert "secret" not in str(caught.value)
