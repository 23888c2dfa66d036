"""Names of systems: tables and comparisons go by them, so that no two may be the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterable


def distinct(names: Iterable[str]) -> list[str]:
    """In their order; the second of a name gets a 2 behind it, or the next number that makes it a new name."""
    given: dict[str, None] = {}
    for name in names:
        numbered = (f"{name} ({number})" for number in itertools.count(2))
        given[next(free for free in itertools.chain([name], numbered) if free not in given)] = None
    return list(given)
