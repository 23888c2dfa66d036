"""The lines of a multi-search, and the indexes that searches may name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pydantic

from jrerank.doors.search.options import SearchBody
from jrerank.errors import InputTooLong, InvalidInput
from jrerank.json_reader.text import parsed

MAX_SEARCHES = 500
_OF_TEMPLATE = ("id", "source", "params", "file", "lang")
_BESIDE_TEMPLATE = ("rerank", "explain", "profile")
Json = dict[str, Any]
_HEADER_KEYS = {
    "allow_no_indices",
    "allow_partial_search_results",
    "expand_wildcards",
    "ignore_throttled",
    "ignore_unavailable",
    "index",
    "preference",
    "request_cache",
    "routing",
    "search_type",
}


@dataclass(frozen=True, slots=True)
class OneOfMany:
    """A search of a multi-search: its header as the engine takes it, with its index always in it."""

    header: Json
    index: str
    body: SearchBody


@dataclass(frozen=True, slots=True)
class OneTemplate:
    """A template of a multi-search by templates: what the engine makes of it is a search."""

    header: Json
    index: str
    template: Json

    def search(self, made: Json, place: str = "") -> OneOfMany:
        """The search that it has become.

        Raises:
            InvalidInput: see `search_of`.
        """
        beside = {name: self.template[name] for name in _BESIDE_TEMPLATE if name in self.template}
        return OneOfMany(self.header, self.index, search_of({**made, **beside}, place))

    def for_engine(self) -> Json:
        """As the engine fills it in."""
        return {name: self.template[name] for name in _OF_TEMPLATE if name in self.template}


def index_of(named: object, allowed: Sequence[str], field: str) -> str:
    """The names of the indexes to search, each once, comma-separated; all where none is named.

    Raises:
        InvalidInput: one of them is not allowed; it names `field`.
    """
    if named is None or named in ("", []):
        return ",".join(allowed)
    listed = named.split(",") if isinstance(named, str) else named if isinstance(named, list) else [named]
    names = list(dict.fromkeys(map(str, listed)))
    for name in names:
        if name not in allowed:
            raise InvalidInput(
                f"{field}: {name[:100]!r} is not one of the store's ({', '.join(allowed)})", field=field
            )
    return ",".join(names)


def read_searches(
    body: bytes,
    allowed: Sequence[str],
    before: Callable[[bytes], None] = lambda _: None,
    default: str | None = None,
) -> list[OneOfMany]:
    """A header and a body for each search; an empty line is an empty header.

    Args:
        default: the index of a header that names none; all that are allowed where it is None.
        before: see `parsed`.

    Raises:
        InputTooLong: there are too many.
        InvalidInput: a line is not JSON, or a field is wrong; `field` begins with the search's place, from 0.
    """
    return [
        OneOfMany(header, index, search_of(value, f"{place}"))
        for place, (header, index, value) in enumerate(_pairs(body, allowed, before, default))
    ]


def read_templates(
    body: bytes,
    allowed: Sequence[str],
    before: Callable[[bytes], None] = lambda _: None,
    default: str | None = None,
) -> list[OneTemplate]:
    """As `read_searches`, of templates in the place of searches."""
    return [OneTemplate(*pair) for pair in _pairs(body, allowed, before, default)]


def _pairs(
    body: bytes, allowed: Sequence[str], before: Callable[[bytes], None], default: str | None
) -> list[tuple[Json, str, Json]]:
    """The headers, with their indexes in them, these indexes, and the values of the second lines."""
    if body.count(b"\n") > 2 * MAX_SEARCHES:
        raise InputTooLong(f"at most {MAX_SEARCHES} searches are made at once", field="body")
    lines = body.removesuffix(b"\n").split(b"\n") if body.strip() else []
    if not lines or len(lines) % 2:
        raise InvalidInput(
            "a search is two lines, a header and a body, each ended by a newline", field="body"
        )
    read = []
    for place, (header_line, line) in enumerate(zip(lines[::2], lines[1::2], strict=True)):
        header = _header(header_line, place, before)
        index = index_of(header.get("index") or default, allowed, f"{place}.header.index")
        read.append(({**header, "index": index}, index, _parsed(line, f"{place}", before)))
    return read


def search_of(value: Any, place: str = "") -> SearchBody:
    """One search's body.

    Raises:
        InvalidInput: a field is wrong; its name follows `place`.
    """
    try:
        return SearchBody.model_validate(value)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, ([place] if place else []) + list(first["loc"]))) or "body"
        raise InvalidInput(f"{field}: {first['msg']}", field=field) from None


def _header(line: bytes, place: int, before: Callable[[bytes], None]) -> Json:
    header = _parsed(line if line.strip() else b"{}", f"{place}.header", before)
    for key in header:
        if key not in _HEADER_KEYS:
            raise InvalidInput(f"{place}.header.{key}: is not passed on", field=f"{place}.header.{key}")
    return header


def _parsed(line: bytes, field: str, before: Callable[[bytes], None]) -> Json:
    try:
        value = parsed(line, before)
    except ValueError as error:
        raise InvalidInput(f"{field} is not JSON: {error}", field=field) from None
    if not isinstance(value, dict):
        raise InvalidInput(f"{field} is not a JSON object", field=field)
    return value
