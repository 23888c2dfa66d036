"""The text of a document: its passage fields in their order, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache


def passage_text(source: Mapping[str, object], fields: Sequence[str]) -> str | None:
    """The text of all values under `fields`, dotted paths through objects and lists; None where there is none."""
    texts = (text for field in fields for value in _values(source, field) for text in _text(value))
    return "\n".join(texts) or None


def _values(value: object, path: str | None) -> Iterator[object]:
    if isinstance(value, list):
        for item in value:
            yield from _values(item, path)
    elif path is None:
        yield value
    elif isinstance(value, Mapping):
        for key, rest in _keys(path):  # a key may hold dots itself; the shortest counts, as in OpenSearch
            inner = value.get(key)
            if inner is not None:
                yield from _values(inner, rest)
                return


@lru_cache(maxsize=4096)  # every hit is asked for the same paths
def _keys(path: str) -> tuple[tuple[str, str | None], ...]:
    """Each key that a path may begin with, and the path from there on."""
    dots = [place for place, mark in enumerate(path) if mark == "."]
    return (*((path[:dot], path[dot + 1 :]) for dot in dots), (path, None))


def _text(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield str(value).lower()
    elif isinstance(value, int):
        yield str(value)
    elif isinstance(value, float):
        yield format(Decimal(repr(value)).normalize() + 0, "f")
    elif isinstance(value, str) and value.strip():
        # JSON may hold half a surrogate pair, which is no text to a tokenizer
        yield value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
