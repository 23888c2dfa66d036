"""How much memory a JSON text will take."""

from __future__ import annotations

import re

# What Python needs beyond the text: for a string or number with its place in a list, for an object or a list with its first item.
# 32 MB of `{},{},` would be 1.4 GB
_VALUE_BYTES, _OBJECT_BYTES, _LIST_BYTES = 112, 240, 96
_CONTINUATIONS = bytes(range(0x80, 0xC0))
_FOUR_BYTE_LEADS = tuple(bytes([lead]) for lead in range(0xF0, 0xF5))
_ESCAPED_HALF = re.compile(rb"\\u[dD][89abAB]")


def parsed_bytes(json: bytes) -> int:
    """About how much memory the values of a JSON text take, and no less: what is in strings counts as if it were not."""
    marks = json if json.isascii() else json.translate(None, _CONTINUATIONS)  # one byte for each character
    values = (
        _VALUE_BYTES * marks.count(b",") + _OBJECT_BYTES * marks.count(b"{") + _LIST_BYTES * marks.count(b"[")
    )
    escapes = json.count(b"\\u") if b"\\" in json else 0
    if any(lead in json for lead in _FOUR_BYTE_LEADS) or (escapes and _ESCAPED_HALF.search(json)):
        width = 4  # one character beyond U+FFFF makes all of its string so wide
    else:
        width = 1 if json.isascii() and not escapes else 2
    if b"\\\\" in json:  # of which one may stand before a `u`
        escapes = 0
    return values + width * (len(marks) - 5 * escapes)
