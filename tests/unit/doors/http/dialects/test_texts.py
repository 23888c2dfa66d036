"""What is read of a value that stands where a text is expected."""

from __future__ import annotations

from typing import Any

import pytest

from jrerank.doors.http.dialects.texts import listed, text_of, texts_of
from jrerank.errors import InvalidInput


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("空", "空"),
        (None, ""),
        (5, "5"),
        (0.5, "0.5"),
        (True, "true"),
        ({"text": "空", "url": "x"}, "空"),
        ({"text": None}, ""),
        ({"text": 7}, "7"),
        ({"content": "空"}, "空"),
        ({"content": [{"type": "text", "text": "晴れ"}, {"type": "text", "text": "雨"}]}, "晴れ\n雨"),
    ],
)
def test_a_text_is_found_in_whatever_has_one(value: Any, text: str) -> None:
    assert text_of(value, "documents.0") == text


def test_rank_fields_are_joined_in_their_order_and_may_be_absent() -> None:
    documents = [{"title": "t", "body": "b"}, {"body": "only"}, {"title": None, "body": {"n": "１"}}]
    assert texts_of(documents, "documents", ["title", "body"]) == ["t\nb", "only", '{"n": "１"}']


@pytest.mark.parametrize(
    ("value", "field", "message"),
    [
        ({"title": "t"}, "documents.1", "none of the fields text; name the ones to read in rank_fields"),
        (["a"], "documents.1", "a text is needed"),
        ({"content": [{"type": "image_url"}]}, "documents.1.content.0", "none of the fields text"),
    ],
)
def test_where_there_is_none_its_place_is_named(value: Any, field: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        texts_of(["a", value], "documents")
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("value", "items"),
    [(["a", "b"], ["a", "b"]), ("a", ["a"]), ([], []), ({"content": ["a"]}, ["a"]), ({"text": "a"}, [{"text": "a"}])],
)  # fmt: skip
def test_what_stands_alone_is_a_list_of_one(value: Any, items: list[Any]) -> None:
    assert listed(value) == items
