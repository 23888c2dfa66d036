"""What is to be judged of each query: the first hits of every system, so that none of them is favoured (TREC's pooling)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def pooled(lists: Sequence[Sequence[str]], depth: int) -> list[str]:
    """The first `depth` ids of each list, taken in turn, each once."""
    ids = (ids[place] for place in range(depth) for ids in lists if place < len(ids))
    return list(dict.fromkeys(ids))


def pools(
    queries: Iterable[str], systems: Sequence[Mapping[str, Sequence[str]]], depth: int
) -> dict[str, list[str]]:
    """Of each query."""
    return {query: pooled([system.get(query, ()) for system in systems], depth) for query in queries}
