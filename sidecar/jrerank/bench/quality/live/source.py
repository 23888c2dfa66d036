"""What a live search gives, and asking it for every query."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from jrerank.domain import Candidate
from jrerank.errors import InvalidInput
from jrerank.evaluation.collection import Hits, first_repeated


class LiveSearch(Protocol):
    """One search of `size` hits, best first."""

    def __call__(self, query: str, size: int) -> tuple[Candidate, ...]:
        """Its hits.

        Raises:
            JrerankError: the search failed.
        """


@dataclass(frozen=True, slots=True)
class LiveHits:
    """Hit lists by query, and how long each search took."""

    hits: Hits
    seconds: Mapping[str, float]


def search_all(
    search: LiveSearch, queries: Mapping[str, str], size: int, progress: Callable[[int, int], None]
) -> LiveHits:
    """Ask for every query, one at a time.

    Raises:
        JrerankError: a search failed.
        InvalidInput: it gave a hit twice, as a join does.
    """
    hits, seconds = {}, {}
    for number, (id, text) in enumerate(queries.items(), start=1):
        started = time.perf_counter()
        hits[id] = search(text, size)
        seconds[id] = time.perf_counter() - started
        if (repeated := first_repeated(hits[id])) is not None:
            raise InvalidInput(f"the search for {text!r} gave the hit {repeated!r} twice", field="hits")
        progress(number, len(queries))
    return LiveHits(hits, seconds)
