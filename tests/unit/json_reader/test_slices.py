"""A large JSON text is read as a small one is, without stopping for long."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pydantic_core
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.json_reader import slices
from jrerank.json_reader.slices import MAX_DEPTH, SLICE_BYTES, sliced

LEAVES = st.none() | st.booleans() | st.integers(-9, 99) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.sampled_from('a,]}{["\\: 空'), max_size=9)
JSON = st.recursive(
    LEAVES | TEXTS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=25,
)


@pytest.fixture(params=[0, 1, 7, 30])
def tiny_slices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_BYTES", request.param)


def outcome(read: Any, text: bytes) -> Any:
    try:
        return read(text)
    except ValueError:
        return ValueError


def in_slices(text: bytes) -> Any:
    return sliced(text, pydantic_core.from_json)


@pytest.mark.usefixtures("tiny_slices")
@given(JSON, st.sampled_from([None, 1]), st.booleans())
def test_what_is_json_is_read_as_by_the_parser(value: object, indent: int | None, escaped: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escaped).encode()
    assert json.dumps(in_slices(text)) == json.dumps(pydantic_core.from_json(text))


@pytest.mark.usefixtures("tiny_slices")
@given(JSON, st.randoms(use_true_random=False))
def test_what_is_damaged_is_refused_as_by_the_parser(value: object, chance: random.Random) -> None:
    text = bytearray(json.dumps([value, value]).encode())
    for _ in range(chance.randint(1, 2)):
        place = chance.randrange(len(text))
        text[place : place + chance.randint(0, 1)] = chance.choice(
            [b",", b"]", b"}", b"[", b"{", b'"', b":", b" ", b"1", b""]
        )
    assert outcome(in_slices, bytes(text)) == outcome(pydantic_core.from_json, bytes(text))


LARGE = {
    "strings": b'{"documents": [' + b",".join([b'"' + "富士山".encode() * 300 + b'"'] * 2000) + b"]}",
    "objects": b"[" + b'{"id": "1", "text": "a"},' * 40_000 + b"1]",
    "numbers": b'{"a": {"b": [' + b"1," * 500_000 + b"1]}}",
    "empty objects": b"[" + b"{}," * 300_000 + b"{}]",
    "nested": b"[" + b",".join([b"[" * 150 + b'"' + b"x" * 9_000 + b'"' + b"]" * 150] * 200) + b"]",
    "escapes": b'["' + rb"\"\\" * 100 + b'",' + rb'"\u5bcc",' * 200_000 + b"1]",
}


@pytest.mark.parametrize("kind", LARGE)
def test_no_slice_is_large(kind: str) -> None:
    parts: list[int] = []

    def parse(part: bytes) -> Any:
        parts.append(len(part))
        return pydantic_core.from_json(part)

    assert sliced(LARGE[kind], parse) == pydantic_core.from_json(LARGE[kind])
    assert max(parts) < 3 * SLICE_BYTES
    assert len(parts) < 3 * len(LARGE[kind]) // SLICE_BYTES + 10


def test_nesting_ends_where_the_parsers_does_and_at_once() -> None:
    padding = b'"' + b"x" * SLICE_BYTES + b'"'
    deep = b"[" * MAX_DEPTH + padding + b"]" * MAX_DEPTH
    assert in_slices(deep) == pydantic_core.from_json(deep)
    for opening in (b"[", b'{"a":'):
        with pytest.raises(ValueError, match=r"recursion limit exceeded at byte 1?[0-9]{3}$"):
            in_slices(opening * 3_000_000)


def test_hits_with_documents_are_looked_at_some_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look costs a microsecond, which added up to twelve times what the parser takes."""
    hit = {
        "_index": "a",
        "_id": "1",
        "_score": 1.5,
        "_source": {"body": "山\n" * 50, "tags": [{"n": 1}]},
    }
    text = json.dumps({"took": 1, "hits": {"total": {"value": 1}, "hits": [hit] * 1_000}}).encode()
    looks: list[int] = []

    class Token:
        def match(
            self, text: bytes, begin: int, end: int, token: re.Pattern[bytes] = slices._TOKEN
        ) -> object:
            looks.append(end - begin)
            return token.match(text, begin, end)

    monkeypatch.setattr(slices, "_TOKEN", Token())
    assert sliced(text, json.loads) == json.loads(text)
    assert len(looks) < 200
    assert max(looks) <= 128 * 1024, "which a match may take at most"
