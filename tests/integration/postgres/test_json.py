"""Documents as one JSON array: the same rows as of an array of texts."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from integration.postgres.installed import Installed, status
from integration.postgres.liar import Liar

LiedTo = tuple[Installed, Liar]
Rows = list[tuple[Any, ...]]

DOCUMENTS = ["aaa", "b", '富士山"\\\n\t', "null", ""]


def of_json(connection: psycopg.Connection[Any], documents: str | None, options: str = "") -> Rows:
    call = f"SELECT index, score FROM jrerank.rerank_json('山', %s{options})"
    return connection.execute(call, (documents,)).fetchall()


def of_array(connection: psycopg.Connection[Any], documents: list[Any] | None, options: str = "") -> Rows:
    call = f"SELECT index, score FROM jrerank.rerank('山', %s::text[]{options})"
    return connection.execute(call, (documents,)).fetchall()


@pytest.mark.parametrize("options", ["", ", top_n => 2", ", model => 'another'"])
def test_the_rows_are_those_of_an_array(lied_to: LiedTo, options: str) -> None:
    installed, liar = lied_to
    with installed.connect() as connection:
        for documents in (DOCUMENTS, [*DOCUMENTS[:2], None, *DOCUMENTS[2:]], [None], [], None):
            expected = of_array(connection, documents, options), status(connection)
            for ascii_alone in (True, False):
                given = None if documents is None else json.dumps(documents, ensure_ascii=ascii_alone)
                assert (of_json(connection, given, options), status(connection)) == expected
    assert liar.asked[0]["texts"] == liar.asked[1]["texts"] == liar.asked[2]["texts"] == DOCUMENTS


def test_a_large_request_is_whole(lied_to: LiedTo) -> None:
    """Beyond what dblink sends in one part."""
    installed, liar = lied_to
    documents = [f"{number}{'山' * 300}" for number in range(300)]
    with installed.connect() as connection:
        connection.execute("SET jrerank.timeout_ms = 20000")
        of_json(connection, json.dumps(documents, ensure_ascii=False, indent=1))
        assert status(connection) == ("complete", None)
    assert liar.asked[0]["texts"] == documents


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ('{"a": "b"}', "cannot get array length of a non-array"),
        ('"a"', "cannot get array length of a scalar"),
        ('["a", 1, null]', "documents: an element is of type number, not a text"),
        ('["a"', "invalid input syntax for type json"),
        ('["a"], "store": "b", "x": ["c"]', "invalid input syntax for type json"),
    ],
)
def test_what_is_no_array_of_texts_is_an_error(lied_to: LiedTo, documents: str, message: str) -> None:
    installed, liar = lied_to
    with installed.connect() as connection, pytest.raises(psycopg.errors.DataError, match=message):
        of_json(connection, documents)
    assert liar.asked == []


def test_the_sidecar_takes_nothing_but_texts(installed: Installed) -> None:
    with installed.connect() as connection:
        connection.execute("SET jrerank.timeout_ms = 20000")
        assert of_json(connection, '["a", 1]') == [(1, None), (2, None)]
        assert status(connection) == ("passthrough", "rejected")
        assert [index for index, _ in of_json(connection, '["味噌汁", "山の高さ"]')] == [2, 1]
