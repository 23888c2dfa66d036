"""Names of systems, by which tables and comparisons go, so that no two may be the same; and of their figures."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from jrerank.bench.report.schema import System


def distinct(names: Iterable[str]) -> list[str]:
    """In their order; the second of a name gets a 2 behind it, or the next number that makes it a new name."""
    given: dict[str, None] = {}
    for name in names:
        numbered = (f"{name} ({number})" for number in itertools.count(2))
        given[next(free for free in itertools.chain([name], numbered) if free not in given)] = None
    return list(given)


def figure_names(systems: Sequence[System]) -> list[str]:
    """Of all, in the order of the system that has most: what one lacks stands where it does with the others."""
    fullest_first = sorted(systems, key=lambda system: -len(system.figures))
    return list(dict.fromkeys(figure.name for system in fullest_first for figure in system.figures))
