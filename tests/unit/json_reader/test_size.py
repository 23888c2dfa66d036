"""What JSON will take in memory."""

from __future__ import annotations

import json
import tracemalloc

import pydantic_core
import pytest

from jrerank.json_reader.size import _PIECE_BYTES, _Piece, parsed_bytes

HITS = {"hits": [{"id": str(i), "text": f"{i} " + "富士山の高さ" * 50, "score": 1.5} for i in range(500)]}
BODIES = {
    "hits": json.dumps(HITS, ensure_ascii=False).encode(),
    "escaped hits": json.dumps(HITS).encode(),
    "ASCII": b'["' + b"x" * 100_000 + b'"]',
    "one emoji widens all of its string": b'["' + b"x" * 100_000 + '😀"]'.encode(),
    "or half of one": b'["' + b"x" * 100_000 + rb'\ud83d\ude00"]',
    "Latin": ("[" + '"é' + "x" * 100_000 + '"]').encode(),
    "escaped backslashes": b'["' + rb"\\u" * 50_000 + b'"]',
    "empty objects": b"[" + b"{}," * 20_000 + b"1]",
    "empty lists": b"[" + b"[]," * 20_000 + b"1]",
    "objects of one": b"[" + b'{"a":"b"},' * 20_000 + b"1]",
    "nested objects": b"[" + (b'{"a":' * 150 + b"1" + b"}" * 150 + b",") * 100 + b"1]",
    "nested lists": b"[" + (b"[" * 150 + b"]" * 150 + b",") * 100 + b"1]",
    "numbers": b"[" + b"1.5," * 50_000 + b"1]",
    "keys": json.dumps({str(i): i for i in range(20_000)}).encode(),
}


@pytest.mark.parametrize("kind", BODIES)
def test_no_less_is_counted_than_is_allocated(kind: str) -> None:
    tracemalloc.start()
    try:
        kept = pydantic_core.from_json(BODIES[kind])
        allocated, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept
    assert allocated <= 1.02 * parsed_bytes(BODIES[kind])


@pytest.mark.parametrize(
    ("kind", "allocated"), [("hits", 470_000), ("escaped hits", 470_000), ("ASCII", 100_100)]
)
def test_and_for_texts_not_much_more(kind: str, allocated: int) -> None:
    assert parsed_bytes(BODIES[kind]) < 1.5 * allocated


@pytest.mark.parametrize("before", range(-8, 8))
def test_what_lies_across_the_pieces_that_are_looked_at_counts_too(before: int) -> None:
    text = b'["' + b"x" * (_PIECE_BYTES - 2 + before)
    wide = parsed_bytes(text + rb"\ud83d\ude00" + b"x" * _PIECE_BYTES + b'"]')
    assert wide == pytest.approx(4 * 2 * _PIECE_BYTES, rel=0.001)
    narrow = parsed_bytes(text + rb"\u00e9" + b"x" * _PIECE_BYTES + b'"]')
    assert narrow == pytest.approx(2 * 2 * _PIECE_BYTES, rel=0.001)


def test_no_look_at_a_large_text_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    count = _Piece.of

    def counted(json: bytes) -> _Piece:
        looked.append(len(json))
        return count(json)

    monkeypatch.setattr(_Piece, "of", counted)
    parsed_bytes(b'["' + b"x" * 10_000_000 + b'"]')
    assert max(looked) < 1_100_000
