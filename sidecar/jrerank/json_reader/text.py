"""JSON from a caller: strict about what it is, lenient about half a character, and never at it for long."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pydantic_core

from jrerank.json_reader.slices import sliced

# Parsed in one piece: about 0.5 ms of text, at most 6 ms of empty objects
WHOLE_BYTES = 256 * 1024

# Of strings, only keys come again: by itself the parser would keep the last 16,384 short ones, each among what was made with it
_from_json = partial(pydantic_core.from_json, allow_inf_nan=False, cache_strings="keys")
# What pydantic_core's parser says of half a surrogate pair: escaped, or as bytes where a writer knew UTF-16 only
_HALF = re.compile("hex escape|invalid unicode code point")
# A backslash and what it escapes: two halves of a surrogate pair, one half alone, or anything else
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
# As many of them at once as take little memory
_PARTS = re.compile(
    rb"(?:[^\\]{1,256}+|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\.|\\){1,1024}+",
    re.DOTALL,
)


def parsed(body: bytes, before: Callable[[bytes], None] = lambda _: None) -> Any:
    """The JSON value; half a surrogate pair becomes U+FFFD: a string cut by UTF-16 units must not cost the request.

    The parser holds the interpreter's lock, so a large body is parsed in slices: from another thread it holds up nobody.

    Args:
        before: is called with each slice before it is parsed, and may refuse it.

    Raises:
        ValueError: it is not JSON, or is nested more than 200 levels deep.
    """

    def of_slice(part: bytes) -> Any:
        before(part)
        return _parsed(part)

    return of_slice(body) if len(body) <= WHOLE_BYTES else sliced(body, of_slice)


def _parsed(body: bytes) -> Any:
    try:
        return _from_json(body)
    except ValueError as error:
        if not _HALF.search(str(error)):
            raise
        mended = _mended(body)
        if mended == body:
            raise
        return _from_json(mended)


def _mended(body: bytes) -> bytes:
    """Halves of surrogate pairs stand escaped, or as bytes where a writer knew UTF-16 only."""
    body = b"".join(
        _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], part[0])
        for part in _PARTS.finditer(body)
    )
    if b"\xed" not in body:  # with which those halves begin that are not escaped
        return body
    try:
        text = body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return body
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
