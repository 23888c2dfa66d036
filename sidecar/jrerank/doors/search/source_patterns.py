"""`_source` patterns, read key by key: `*` is any text, and what is met is met with all that is under it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Patterns:
    """Where several patterns stand after the part of a path that has been read: a place in each that can still be met."""

    patterns: tuple[str, ...]
    places: frozenset[_Place] = frozenset()

    @classmethod
    def of(cls, patterns: Sequence[str]) -> Self:
        """Before anything has been read."""
        all_under = (f"{pattern}.*" for pattern in patterns)
        unread = cls((*patterns, *all_under))
        return unread._at((number, 0) for number in range(len(unread.patterns)))

    @property
    def is_alive(self) -> bool:
        """Whether some pattern can still be met."""
        return bool(self.places)

    @property
    def is_met(self) -> bool:
        """Whether some pattern is met by what has been read."""
        return any(place == len(self.patterns[number]) for number, place in self.places)

    def step(self, text: str) -> Patterns:
        """After `text` as well."""
        return _stepped(self, text)

    def after_mark(self, mark: str) -> Self:
        """After one more character."""
        return self._at(self._after(mark))

    def _after(self, mark: str) -> Iterator[_Place]:
        for number, place in self.places:
            wanted = self.patterns[number][place : place + 1]
            if wanted == "*":
                yield number, place
            elif wanted == mark:
                yield number, place + 1

    def _at(self, places: Iterable[_Place]) -> Self:
        return replace(
            self, places=frozenset(one for place in places for one in self._skipping_stars(*place))
        )

    def _skipping_stars(self, number: int, place: int) -> Iterator[_Place]:
        yield number, place
        while self.patterns[number][place : place + 1] == "*":  # which may stand for nothing
            place += 1
            yield number, place


@lru_cache(maxsize=10_000)  # documents of an index have the same keys, over and over
def _stepped(patterns: Patterns, text: str) -> Patterns:
    for mark in text:
        patterns = patterns.after_mark(mark)
    return patterns
