"""The types of fields, as mappings name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def field_types(properties: Sequence[Any]) -> Mapping[str, str]:
    """By dotted path, a sub-field's below its field's; where indexes differ, `text` goes first, then the first index's.

    `properties` are those of each index's mapping.
    """
    types: dict[str, str] = {}
    for one in properties:
        own = dict(_types("", one))
        for path, kind in own.items():
            target = kind.removeprefix("alias:")
            actual = own.get(target) if target != kind else kind
            if actual is not None and (path not in types or actual == "text"):
                types[path] = actual
    return types


def _types(prefix: str, properties: Any) -> Iterator[tuple[str, str]]:
    for name, field in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(field, dict):
            continue
        kind = field.get("type")
        if isinstance(kind, str):
            yield f"{prefix}{name}", f"alias:{field.get('path')}" if kind == "alias" else kind
        yield from _types(f"{prefix}{name}.", field.get("properties"))
        yield from _types(f"{prefix}{name}.", field.get("fields"))
