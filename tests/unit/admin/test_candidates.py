"""Passages as people have them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.admin.candidates import read_candidates
from jrerank.domain import Candidate
from jrerank.errors import InvalidInput


def passages(*lines: str) -> list[str | None]:
    return [candidate.passage for candidate in read_candidates(lines)]


def test_jsonl_has_ids_and_scores_and_else_the_lines_number() -> None:
    lines = ['{"id": 7, "text": "空", "score": 1.5}', "", '{"text": "海"}']
    assert read_candidates(lines) == (Candidate("7", "空", 1.5), Candidate("3", "海", None))


def test_an_id_that_is_null_is_none() -> None:
    """Two such lines would be one candidate of the name `None`."""
    lines = ['{"id": null, "text": "空"}', '{"id": 0, "text": "海"}', '{"id": null, "text": "山"}']
    assert [candidate.id for candidate in read_candidates(lines)] == ["1", "0", "3"]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_has_strings_or_objects_on_any_lines(indent: int | None) -> None:
    content: list[Any] = ["空", {"id": "a", "text": "海", "score": 2}]
    lines = json.dumps(content, indent=indent, ensure_ascii=False).split("\n")
    assert read_candidates(lines) == (Candidate("1", "空"), Candidate("a", "海", 2))


@pytest.mark.parametrize("text", ["{笑} 今日の天気", "{}でくくる", "[注] 晴れ", "[", '["a", ', "{ 'a': 1 }"])
def test_a_text_may_begin_like_json(text: str) -> None:
    assert passages(text, "雨") == [text, "雨"]


@pytest.mark.parametrize("line", [r'{"text": "空\ud83d"}', r'["空\ud83d"]'])
def test_half_an_emoji_is_replaced(line: str) -> None:
    assert passages(line) == ["空\ufffd"]


@pytest.mark.parametrize(
    "line",
    ['{"id": 1}', '{"text": 5}', "[]", "{", '{"text": "a", "score": "b"}', '{"text": "a", "score": NaN}',
     '{"text": "a", "score": true}', '{"text": "a", "score": 1e999}', "[" * 100_000],
    ids=str.__len__,
)  # fmt: skip
def test_a_wrong_line_is_named(line: str) -> None:
    with pytest.raises(InvalidInput, match=r"^line 2 is not a JSON object"):
        read_candidates(['{"text": "空"}', line])


@pytest.mark.parametrize("line", ['{"text": "空"', '{ "id": 1}'])
def test_json_that_is_damaged_in_its_first_line_is_no_text(line: str) -> None:
    with pytest.raises(InvalidInput, match="line 1"):
        read_candidates([line])


@pytest.mark.parametrize("item", ["5", "null", '{"id": 1}', "[]"])
def test_a_wrong_item_is_named(item: str) -> None:
    with pytest.raises(InvalidInput, match=r"^item 2 is not a JSON object"):
        read_candidates([f'["空", {item}]'])


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"))))
def test_every_line_with_something_on_it_is_a_candidate(lines: list[str]) -> None:
    kept = [line for line in lines if line.strip()]
    if not kept or kept[0].lstrip()[0] not in "{[":
        assert passages(*lines) == kept
