"""The text of a document: its passage fields in their order, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal


def passage_text(source: Mapping[str, object], fields: Sequence[str]) -> str | None:
    """The text of all values under `fields`, dotted paths through objects and lists; None where there is none."""
    texts = (text for field in fields for value in _values(source, field.split(".")) for text in _text(value))
    return "\n".join(texts) or None


def _values(value: object, path: Sequence[str]) -> Iterator[object]:
    if isinstance(value, list):
        for item in value:
            yield from _values(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping):
        for length in range(
            1, len(path) + 1
        ):  # a key may hold dots itself; the shortest counts, as in OpenSearch
            inner = value.get(".".join(path[:length]))
            if inner is not None:
                yield from _values(inner, path[length:])
                return


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
