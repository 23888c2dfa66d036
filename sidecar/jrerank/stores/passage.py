"""The text of a document: its passage fields in their order, a line each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

# Passages of a hit whose field has several values, and of all hits of a search
MAX_VALUES, MAX_VALUES_OF_SEARCH, MAX_CHARS_OF_SEARCH = 100, 10_000, 8_388_608
# Twice as many tokens as are read unless a search says otherwise, and more characters than these have
_READ_TOKENS, _CHARS_PER_TOKEN = 1024, 8


@dataclass(frozen=True, slots=True)
class ValueBounds:
    """How many passages the values of a hit become, of how many characters together, and of how many that are not blank each."""

    passages: int
    chars: int
    passage_chars: int

    @classmethod
    def of_each(cls, hits: int, max_tokens: int | None) -> ValueBounds:
        """Each of so many hits has the same share; `max_tokens` are read of a passage, None: the model's length."""
        return cls(
            passages=max(1, min(MAX_VALUES, MAX_VALUES_OF_SEARCH // max(1, hits))),
            chars=MAX_CHARS_OF_SEARCH // max(1, hits),
            passage_chars=_CHARS_PER_TOKEN * max(_READ_TOKENS, max_tokens or 0),
        )


def passage_text(source: Mapping[str, object], fields: Sequence[str]) -> str | None:
    """The text of all values under `fields`, dotted paths through objects and lists; None where there is none."""
    texts = (text for field in fields for value in _values(source, field) for text in _text(value))
    return "\n".join(texts) or None


def passage_texts(
    source: Mapping[str, object], fields: Sequence[str], bounds: ValueBounds
) -> tuple[str, ...]:
    """A passage for each value of a field that has several, beside those of fields that have one; else `passage_text` alone.

    The fields take turns. Where not all values are within the bounds, the last passage is the text of all fields.
    """
    texts = [_some_texts(source, field, bounds) for field in fields]
    several = [place for place, values in enumerate(texts) if len(values) > 1]
    if not several:
        whole = passage_text(source, fields)
        return () if whole is None else (whole,)
    made: Iterator[str] = (_with_one_of(texts, place, value) for place, value in _in_turns(texts, several))
    if sum(len(texts[place]) for place in several) > bounds.passages:
        made = itertools.chain(itertools.islice(made, bounds.passages - 1), _whole(source, fields, bounds))
    return _foremost(dict.fromkeys(cut(text, bounds.passage_chars) for text in made), bounds.chars)


def _some_texts(source: Mapping[str, object], field: str, bounds: ValueBounds) -> list[str]:
    """As many as there are passages, and one more: then some are left out."""
    texts = (text for value in _values(source, field) for text in _text(value))
    return [cut(text, bounds.passage_chars) for text in itertools.islice(texts, bounds.passages + 1)]


def _in_turns(texts: Sequence[Sequence[str]], places: Sequence[int]) -> Iterator[tuple[int, str]]:
    for turn in range(max(len(texts[place]) for place in places)):
        for place in places:
            if turn < len(texts[place]):
                yield place, texts[place][turn]


def _whole(source: Mapping[str, object], fields: Sequence[str], bounds: ValueBounds) -> Iterator[str]:
    """The beginning of `passage_text`, with all of it that is read."""
    texts = (text for field in fields for value in _values(source, field) for text in _text(value))
    left, lines = bounds.passage_chars, []
    for text in texts:
        lines.append(text)
        if left <= 0:
            break
        left -= sum(map(len, cut(text, left).split()))
    yield "\n".join(lines)


def _with_one_of(texts: Sequence[Sequence[str]], place: int, value: str) -> str:
    lines = (
        value if at == place else values[0]
        for at, values in enumerate(texts)
        if at == place or len(values) == 1
    )
    return "\n".join(lines)


def _foremost(texts: Iterable[str], chars: int) -> tuple[str, ...]:
    first, *others = texts
    left = chars - len(first)
    kept = [first]
    for text in others:
        left -= len(text)
        if left < 0:
            break
        kept.append(text)
    return tuple(kept)


def cut(text: str, max_chars: int) -> str:
    """The beginning of a text with so many characters that are not blank: what is beyond is not read."""
    end = seen = 0
    left = max_chars
    while left > 0 and end < len(text):
        end = min(len(text), end + left)
        left -= sum(map(len, text[seen:end].split()))
        seen = end
    return text[: len(text) - len(text[end:].lstrip())]


def _values(value: object, path: str | None) -> Iterator[object]:
    """What is at the path, in the document's order. Lists may be nested deeper than Python calls itself."""
    left: list[Iterator[tuple[object, str | None]]] = [iter([(value, path)])]
    while left:
        for one, rest in left[-1]:
            if isinstance(one, list):
                left.append(zip(one, itertools.repeat(rest), strict=False))
                break
            if rest is None:
                yield one
            elif isinstance(one, Mapping):
                left.append(_under(one, rest))
                break
        else:
            left.pop()


def _under(value: Mapping[str, object], path: str) -> Iterator[tuple[object, str | None]]:
    """The value of the first key that the path may begin with, as in OpenSearch: a key may hold dots itself."""
    found = ((value.get(key), rest) for key, rest in _keys(path))
    return itertools.islice(((inner, rest) for inner, rest in found if inner is not None), 1)


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
