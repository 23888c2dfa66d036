"""JSON from a caller: strict about what it is, lenient about half a character."""

from __future__ import annotations

import re
from typing import Any

import pydantic_core

# A backslash and what it escapes: two halves of a surrogate pair, one half alone, or anything else
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def parsed(body: bytes) -> Any:
    """The JSON value; half a surrogate pair becomes U+FFFD: a string cut by UTF-16 units must not cost the request.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError:
        mended = _mended(body)
        if mended == body:
            raise
        return pydantic_core.from_json(mended, allow_inf_nan=False)


def _mended(body: bytes) -> bytes:
    """Halves of surrogate pairs stand escaped, or as bytes where a writer knew UTF-16 only."""
    body = _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
    try:
        text = body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return body
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
