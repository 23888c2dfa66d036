"""A table's names, each quoted."""

from __future__ import annotations

import pytest

from jrerank.admin.postgres.tables import Table
from jrerank.errors import InvalidInput


def test_names_are_quoted_whatever_they_hold() -> None:
    table = Table.named('My "docs')
    assert table.name.as_string(None) == table.quoted == '"My ""docs"'
    assert table.index("bm25").as_string(None) == '"My ""docs_bm25"'


def test_a_schema_may_be_named() -> None:
    table = Table.named("search.docs")
    assert table.name.as_string(None) == table.quoted == '"search"."docs"'
    assert table.index("bm25").as_string(None) == '"docs_bm25"'


@pytest.mark.parametrize("name", ["", ".", "a.", "a.b.c", "a\0", "a%s", "x" * 57, "表" * 20])
def test_what_cannot_be_a_table_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="table's name"):
        Table.named(name)
