"""JSON from a caller."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.json_reader.text import parsed

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb'"\ud83d"', "�"),
        (rb'"\ude00"', "�"),
        (rb'"a\ud83db"', "a�b"),
        (rb'"\ud83d\ud83d\ude00"', "�😀"),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\\ud83d"', r"\ud83d"),
        (rb'"\\\ud83d"', "\\�"),
        (b'"\xed\xa0\xbd"', "�"),
        (b'"\xed\xa0\xbd\xed\xb8\x80"', "😀"),
    ],
)
def test_half_a_character_is_replaced_and_nothing_else_is(body: bytes, text: str) -> None:
    assert parsed(body) == text


@given(ANYTHING)
def test_what_is_whole_stays_as_it_is(value: object) -> None:
    assert parsed(json.dumps(value).encode()) == value


@given(st.text(st.characters()))
def test_any_string_of_utf_16_units_is_read(text: str) -> None:
    halved = parsed(json.dumps(text).encode())
    assert len(halved) <= len(text)
    halved.encode()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"NaN", b"[Infinity]", b"[" * 5000, b"\xff", b"\x83\x82", b"{} {}"]
)
def test_what_is_not_json_stays_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(body)


def test_however_many_halves_there_are_and_little_is_needed_to_mend_them() -> None:
    body = b'"' + rb"\\\ud83d\ud83d\ude00" * 20_000 + b'"'
    tracemalloc.start()
    try:
        assert parsed(body) == "\\\ufffd😀" * 20_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(body)
