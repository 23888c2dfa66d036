"""Documents as one JSON array: the same rows as of an array of texts."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import psycopg
import pytest

from integration.postgres.installed import Installed, status
from integration.postgres.liar import Liar

LiedTo = tuple[Installed, Liar]
Rows = list[tuple[Any, ...]]

DOCUMENTS = ["aaa", "b", '富士山"\\\n\t', "𠮷野家", "", "cc"]
LISTS: dict[str, list[Any] | None] = {
    "texts alone": DOCUMENTS,
    "texts that say null": ["null pointer", *DOCUMENTS, "null"],
    "nulls": [None, *DOCUMENTS[:2], None, *DOCUMENTS[2:], "null", None],
    "a null alone": [None],
    "nothing": [],
    "NULL": None,
}
LAYOUTS: list[dict[str, Any]] = [{}, {"ensure_ascii": False}, {"indent": 2}]


def of_json(connection: psycopg.Connection[Any], documents: str | None, options: str = "") -> Rows:
    call = f"SELECT index, score FROM jrerank.rerank_json('山', %s{options})"
    return connection.execute(call, (documents,)).fetchall()


def of_array(connection: psycopg.Connection[Any], documents: list[Any] | None, options: str = "") -> Rows:
    call = f"SELECT index, score FROM jrerank.rerank('山', %s::text[]{options})"
    return connection.execute(call, (documents,)).fetchall()


@pytest.mark.parametrize("options", ["", ", top_n => 2", ", model => 'another'"])
def test_the_rows_are_those_of_an_array(lied_to: LiedTo, options: str) -> None:
    """Whether characters are escaped (`\\uXXXX`) or not, and however the array is laid out."""
    installed, liar = lied_to
    with installed.connect() as connection:
        for name, documents in LISTS.items():
            expected = of_array(connection, documents, options), status(connection)
            for layout in LAYOUTS:
                given = None if documents is None else json.dumps(documents, **layout)
                assert (of_json(connection, given, options), status(connection)) == expected, name
    sent = [[text for text in documents if text is not None] for documents in LISTS.values() if documents]
    of_each = [texts for texts in sent if texts for _ in ("the array", *LAYOUTS)]
    assert [request["texts"] for request in liar.asked] == of_each
    assert len({json.dumps({**request, "texts": None, "timeout_ms": None}) for request in liar.asked}) == 1


def test_places_count_what_is_null_too(lied_to: LiedTo) -> None:
    installed, _ = lied_to
    with installed.connect() as connection:
        rows = of_json(connection, '["aaa", null, "b", null, "cc"]')
        assert [index for index, _ in rows] == [3, 5, 1, 2, 4]
        assert status(connection) == ("partial", "missing_passages")
        assert [index for index, _ in of_json(connection, '["aaa", "b", "cc"]', ", top_n => 2")] == [2, 3]


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
    """Whatever else is in the array, such as the word null."""
    with installed.connect() as connection:
        connection.execute("SET jrerank.timeout_ms = 20000")
        for other, rest in product(("1", "true", "[]", '{"a": "b"}'), ('"b"', "null", '"null pointer"')):
            assert of_json(connection, f'["a", {other}, {rest}]') == [(1, None), (2, None), (3, None)]
            assert status(connection) == ("passthrough", "rejected")


def test_what_no_text_of_postgresql_can_hold_is_reranked(installed: Installed) -> None:
    with installed.connect() as connection:
        connection.execute("SET jrerank.timeout_ms = 20000")
        for no_text, rest in product((r"\u0000", r"\ud800"), ("", ', "null"', ", null")):
            rows = of_json(connection, f'["味噌汁{no_text}", "山の高さ{no_text}"{rest}]')
            assert [index for index, _ in rows if index < 3] == [2, 1]
            assert status(connection)[0] != "passthrough"
        assert [index for index, _ in of_json(connection, '["味噌汁", "山の高さ"]')] == [2, 1]
