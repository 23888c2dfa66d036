"""Which hits are asked for, and which of them are the caller's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

MAX_WINDOW = 10_000
_Hit = TypeVar("_Hit")


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a hit list, as engines name it."""

    start: int
    size: int

    def widened(self, window: int, max_result_window: int) -> Self:
        """From the first hit, so that the first `window` can be reranked and the page be cut from the result.

        `max_result_window` is the index's: asking for more of it fails the search.
        """
        wanted = self.start + self.size
        return type(self)(0, max(wanted, min(window, max_result_window)))

    def of(self, whole: Sequence[_Hit]) -> Sequence[_Hit]:
        """The page of the whole list."""
        return whole[self.start : self.start + self.size]
