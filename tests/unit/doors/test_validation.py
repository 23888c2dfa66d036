"""What a validation error means to the caller."""

from __future__ import annotations

from typing import Any

from jrerank.doors.validation import described

ERRORS: list[dict[str, Any]] = [
    {"loc": ("hits",), "msg": "not a list", "input": "秘密"},
    {"loc": ("hits", 1, "function-wrap[f()]", "score"), "msg": "not a number", "input": True},
]


def test_the_deepest_mistake_is_told_by_its_place_and_a_short_value_with_it() -> None:
    assert described(ERRORS) == ("hits.1.score: not a number (got True)", "hits.1.score")
    assert described(ERRORS, "body")[1] == "body.hits.1.score"


def test_a_passage_or_a_whole_body_is_not() -> None:
    assert described(ERRORS[:1]) == ("hits: not a list", "hits")
    assert described([{"loc": (), "msg": "not an object", "input": []}]) == ("body: not an object", "body")
