"""The lines of a multi-search."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.http.multisearch import index_of, read_searches
from jrerank.errors import InvalidInput

ALLOWED = ("docs", "faq")


@pytest.mark.parametrize(
    ("named", "index"),
    [
        (None, "docs,faq"),
        ("", "docs,faq"),
        ([], "docs,faq"),
        ("faq", "faq"),
        ("faq,docs", "faq,docs"),
        (["faq"], "faq"),
    ],
)
def test_indexes_are_named_or_all(named: object, index: str) -> None:
    assert index_of(named, ALLOWED, "index") == index


@given(named=st.text() | st.lists(st.text(), min_size=1) | st.integers())
def test_no_other_index_is_ever_searched(named: object) -> None:
    try:
        index = index_of(named, ALLOWED, "index")
    except InvalidInput as error:
        assert error.field == "index"
    else:
        assert set(index.split(",")) <= set(ALLOWED)


def test_a_header_and_a_body_for_each() -> None:
    body = b'{"routing": "a", "index": "faq"}\n{"size": 3}\n\n{"query": {}}\n'
    first, second = read_searches(body, ALLOWED)
    assert (first.header, first.index, first.body.size) == ({"routing": "a", "index": "faq"}, "faq", 3)
    assert (second.header, second.body.for_engine()) == ({"index": "docs,faq"}, {"query": {}})


WRONG: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "body"),
    "a header alone": (b"{}\n", "body"),
    "no JSON": (b"{}\n{\n", "0"),
    "no JSON in the header": (b"{\n{}\n", "0.header"),
    "no object": (b"{}\n{}\n[]\n{}\n", "1.header"),
    "another index": (b'{"index": "other"}\n{}\n', "0.header.index"),
    "a header that is not passed on": (b'{"scroll": "1m"}\n{}\n', "0.header.scroll"),
    "a field of the second": (b'{}\n{}\n{}\n{"rerank": {"window": 0}}\n', "1.rerank.window"),
}


@pytest.mark.parametrize(("body", "field"), list(WRONG.values()), ids=list(WRONG))
def test_what_is_wrong_is_named_by_its_place(body: bytes, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_searches(body, ALLOWED)
    assert caught.value.field == field


@given(bodies=st.lists(st.fixed_dictionaries({"size": st.integers(0, 100), "q": st.text()}), min_size=1))
def test_bodies_arrive_whole_and_in_their_order(bodies: list[dict[str, Any]]) -> None:
    lines = "".join("{}\n" + json.dumps(body) + "\n" for body in bodies).encode()
    assert [search.body.for_engine() for search in read_searches(lines, ALLOWED)] == bodies
