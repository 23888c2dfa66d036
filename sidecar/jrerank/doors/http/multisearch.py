"""The lines of a multi-search, and the indexes that searches may name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pydantic

from jrerank.doors.http.searching import OneOfMany
from jrerank.doors.search.options import SearchBody
from jrerank.errors import InputTooLong, InvalidInput
from jrerank.json_reader.text import parsed

MAX_SEARCHES = 500
_HEADER_KEYS = {
    "allow_no_indices",
    "allow_partial_search_results",
    "expand_wildcards",
    "ignore_unavailable",
    "index",
    "preference",
    "request_cache",
    "routing",
    "search_type",
}


def index_of(named: object, allowed: Sequence[str], field: str) -> str:
    """The names of the indexes to search, comma-separated; all where none is named.

    Raises:
        InvalidInput: one of them is not allowed; it names `field`.
    """
    if named is None or named in ("", []):
        return ",".join(allowed)
    listed = named.split(",") if isinstance(named, str) else named if isinstance(named, list) else [named]
    names = [str(name) for name in listed]
    for name in names:
        if name not in allowed:
            raise InvalidInput(
                f"{field}: {name[:100]!r} is not one of the store's ({', '.join(allowed)})", field=field
            )
    return ",".join(names)


def read_searches(
    body: bytes, allowed: Sequence[str], before: Callable[[bytes], None] = lambda _: None
) -> list[OneOfMany]:
    """A header and a body for each search; an empty line is an empty header.

    Args:
        before: see `parsed`.

    Raises:
        InputTooLong: there are too many.
        InvalidInput: a line is not JSON, or a field is wrong; `field` begins with the search's place, from 0.
    """
    if body.count(b"\n") > 2 * MAX_SEARCHES:
        raise InputTooLong(f"at most {MAX_SEARCHES} searches are made at once", field="body")
    lines = body.removesuffix(b"\n").split(b"\n") if body.strip() else []
    if not lines or len(lines) % 2:
        raise InvalidInput(
            "a search is two lines, a header and a body, each ended by a newline", field="body"
        )
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return [_search(place, *pair, allowed, before) for place, pair in enumerate(pairs)]


def _search(
    place: int,
    header_line: bytes,
    body_line: bytes,
    allowed: Sequence[str],
    before: Callable[[bytes], None],
) -> OneOfMany:
    header = _parsed(header_line if header_line.strip() else b"{}", f"{place}.header", before)
    for key in header:
        if key not in _HEADER_KEYS:
            raise InvalidInput(f"{place}.header.{key}: is not passed on", field=f"{place}.header.{key}")
    index = index_of(header.get("index"), allowed, f"{place}.header.index")
    try:
        body = SearchBody.model_validate(_parsed(body_line, f"{place}", before))
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, (place, *first["loc"])))
        raise InvalidInput(f"{field}: {first['msg']}", field=field) from None
    return OneOfMany({**header, "index": index}, index, body)


def _parsed(line: bytes, field: str, before: Callable[[bytes], None]) -> dict[str, Any]:
    try:
        value = parsed(line, before)
    except ValueError as error:
        raise InvalidInput(f"{field} is not JSON: {error}", field=field) from None
    if not isinstance(value, dict):
        raise InvalidInput(f"{field} is not a JSON object", field=field)
    return value
