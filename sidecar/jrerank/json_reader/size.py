"""How much memory a JSON text will take."""

from __future__ import annotations

import re
from dataclasses import dataclass

# What Python needs beyond the text: for a string or number with its place in a list, for an object or a list with its first item.
# 32 MB of `{},{},` would be 1.4 GB
_VALUE_BYTES, _OBJECT_BYTES, _LIST_BYTES = 112, 240, 96
_CONTINUATIONS = bytes(range(0x80, 0xC0))
_FOUR_BYTE_LEADS = tuple(bytes([lead]) for lead in range(0xF0, 0xF5))
# One look at 32 MB would hold the interpreter's lock for up to 40 ms. No escape ends beyond the overlap of its piece
_PIECE_BYTES, _OVERLAP_BYTES = 1024 * 1024, 5
_ESCAPED_HALF = re.compile(rb"\\u[dD][89abAB]")


@dataclass(frozen=True, slots=True)
class _Piece:
    """What part of a JSON text holds: the bytes of `values` beside the text, the bytes of its widest character."""

    values: int
    chars: int
    escapes: int
    width: int
    has_escaped_backslash: bool

    @classmethod
    def of(cls, json: bytes) -> _Piece:
        # One byte for each character: all that is looked for stands there too, in a third of the bytes
        marks = json if json.isascii() else json.translate(None, _CONTINUATIONS)
        values = (
            _VALUE_BYTES * marks.count(b",")
            + _OBJECT_BYTES * marks.count(b"{")
            + _LIST_BYTES * marks.count(b"[")
        )
        escapes = marks.count(b"\\u") if b"\\" in marks else 0
        return cls(values, len(marks), escapes, _width(marks, escapes), b"\\\\" in marks)


def parsed_bytes(json: bytes) -> int:
    """About how much memory the values of a JSON text take, and no less: what is in strings counts as if it were not."""
    begins = range(0, len(json), _PIECE_BYTES)
    pieces = [_Piece.of(json[begin : begin + _PIECE_BYTES + _OVERLAP_BYTES]) for begin in begins]
    width = max(
        (piece.width for piece in pieces), default=1
    )  # one wide character makes all of its string so wide
    chars, escapes = sum(piece.chars for piece in pieces), sum(piece.escapes for piece in pieces)
    if any(piece.has_escaped_backslash for piece in pieces):  # of which one may stand before a `u`
        escapes = 0
    return sum(piece.values for piece in pieces) + width * (chars - 5 * escapes)


def _width(marks: bytes, escapes: int) -> int:
    if any(lead in marks for lead in _FOUR_BYTE_LEADS) or (escapes and _ESCAPED_HALF.search(marks)):
        return 4
    return 1 if marks.isascii() and not escapes else 2
