"""What every door refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.limits import Limits
from jrerank.errors import InputTooLong

LIMITS = Limits(body_bytes=1000, documents=3, query_chars=5, passage_chars=4)


def test_what_is_within_the_limits_passes() -> None:
    LIMITS.check_query("12345")
    LIMITS.check_passages(["1234", None, ""], "texts")


def test_a_long_query_is_refused_by_the_doors_own_name_for_it() -> None:
    with pytest.raises(InputTooLong, match="text_1 has 6 characters; at most 5") as caught:
        LIMITS.check_query("123456", "text_1")
    assert caught.value.field == "text_1"


def test_too_many_passages_are_refused_before_any_is_looked_at() -> None:
    with pytest.raises(InputTooLong, match="hits has 4 entries; at most 3"):
        LIMITS.check_passages(["12345"] * 4, "hits")


@given(st.lists(st.one_of(st.none(), st.text(max_size=8)), max_size=3))
def test_the_first_long_passage_is_named(passages: list[str | None]) -> None:
    long = [index for index, passage in enumerate(passages) if passage is not None and len(passage) > 4]
    if not long:
        LIMITS.check_passages(passages, "hits")
        return
    with pytest.raises(InputTooLong) as caught:
        LIMITS.check_passages(passages, "hits")
    assert caught.value.field == f"hits.{long[0]}"
