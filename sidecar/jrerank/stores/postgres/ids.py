"""Ids as callers write them, and as a column has them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

IdType = Literal["text", "integer", "bigint", "uuid"]
_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")


def by_key(ids: Sequence[str], id_type: IdType) -> dict[str, list[str]]:
    """The ids by what PostgreSQL prints for them (`007` is `7` to a bigint); what the type cannot hold is left out."""
    asked: dict[str, list[str]] = {}
    for id in ids:
        key = _KEYS[id_type](id)
        if key is not None:
            asked.setdefault(key, []).append(id)
    return asked


def _text(id: str) -> str | None:
    """PostgreSQL's text holds no NUL, and UTF-8 no half of a surrogate pair."""
    try:
        id.encode()
    except UnicodeEncodeError:
        return None
    return None if "\0" in id else id


def _number(id: str, bits: int) -> str | None:
    if not _INTEGER.fullmatch(id):
        return None
    number = int(id)
    return str(number) if -(1 << bits - 1) <= number < 1 << bits - 1 else None


def _uuid(id: str) -> str | None:
    try:
        return str(uuid.UUID(id))
    except ValueError:
        return None


_KEYS: Mapping[IdType, Callable[[str], str | None]] = {
    "text": _text,
    "integer": lambda id: _number(id, 32),
    "bigint": lambda id: _number(id, 64),
    "uuid": _uuid,
}
