"""A dotted path into a search body, such as `query.bool.must.0.match.title.query`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def at_path(body: object, dotted: str) -> object:
    """What is there, or None.

    A key may hold dots itself; the shorthand `{"match": {"title": "text"}}` is met by the path of the long form, and a
    lone object by the path of a list of one.
    """
    return _read(body, dotted.split("."))


def _read(value: object, path: Sequence[str]) -> object:
    if isinstance(value, Mapping):
        return _read_key(value, path)
    if isinstance(value, list):
        return _read_item(value, path)
    return value if not path or list(path) == ["query"] else None


def _read_key(value: Mapping[str, Any], path: Sequence[str]) -> object:
    for length in range(1, len(path) + 1):
        inner = value.get(".".join(path[:length]))
        found = None if inner is None else _read(inner, path[length:])
        if found is not None:
            return found
    is_list_of_one = bool(path) and path[0] == "0"
    return _read_key(value, path[1:]) if is_list_of_one else None


def _read_item(value: list[Any], path: Sequence[str]) -> object:
    if not path or not (path[0].isascii() and path[0].isdigit() and len(path[0]) <= 6):
        return None
    place = int(path[0])
    return _read(value[place], path[1:]) if place < len(value) else None
