"""Where a long passage is parted into windows: behind sentences, as far as they end in the right places."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Set

_MARKS = ("。", "．", "！", "？", "!", "?")
# A part is at least half full, so that no passage has more than twice the windows that it needs
_LEAST_FULL = 0.5
# Where no sentence ends, parts overlap by a quarter: what stands on an edge is whole in one of them
STRIDE = 0.75


def sentence_ends(vocabulary: Mapping[str, int]) -> frozenset[int]:
    """The ids of pieces with which a sentence ends; byte-level vocabularies spell the marks in letters of their own."""
    marks = (*_MARKS, *(_byte_level(mark) for mark in _MARKS))
    return frozenset(id for piece, id in vocabulary.items() if piece.endswith(marks))


def least_step(room: int) -> int:
    """A part begins at least so many tokens behind the one before it."""
    return max(1, min(int(room * _LEAST_FULL), int(room * STRIDE)))


def parts(ids: array[int], room: int, ends: Set[int]) -> Iterator[tuple[int, int]]:
    """The beginning and the end of each part, of at most `room` tokens; together they leave nothing out."""
    start = 0
    while len(ids) - start > room:
        cut = _last_sentence_end(ids, start + least_step(room), start + room, ends)
        yield start, cut or start + room
        start = cut or start + max(1, int(room * STRIDE))
    yield start, len(ids)


def _last_sentence_end(ids: array[int], first: int, last: int, ends: Set[int]) -> int | None:
    """Behind the last token between these places that ends a sentence."""
    return next((end for end in range(last, first - 1, -1) if ids[end - 1] in ends), None)


def _byte_level(mark: str) -> str:
    """How GPT-2's byte-level vocabularies write it: each byte that is no printable letter is moved up by 256 and more."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = {byte: 256 + place for place, byte in enumerate(b for b in range(256) if b not in printable)}
    return "".join(chr(moved.get(byte, byte)) for byte in mark.encode())
