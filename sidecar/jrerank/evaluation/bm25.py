"""BM25 over bigrams in memory: a first stage for sets that have none, and hard negatives."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jrerank.evaluation.bigrams import bigrams

_K1, _B = 1.2, 0.75


@dataclass(frozen=True, slots=True)
class Bm25:
    """Robertson and Zaragoza (2009), with Lucene's inverse document frequency."""

    postings: Mapping[str, tuple[tuple[str, float], ...]]

    @classmethod
    def of(cls, passages: Mapping[str, str]) -> Bm25:
        """An index of passages by id."""
        counts = {id: Counter(bigrams(text)) for id, text in passages.items()}
        mean = sum(map(Counter.total, counts.values())) / max(1, len(counts)) or 1.0
        postings: dict[str, list[tuple[str, float]]] = {}
        for id, count in counts.items():
            norm = _K1 * (1 - _B + _B * count.total() / mean)
            for pair, times in count.items():
                postings.setdefault(pair, []).append((id, times / (times + norm)))
        return cls({pair: _weighted(found, len(counts)) for pair, found in postings.items()})

    def scores(self, query: str) -> dict[str, float]:
        """Of the passages that share anything with the query."""
        scores: dict[str, float] = {}
        for pair in bigrams(query):
            for id, weight in self.postings.get(pair, ()):
                scores[id] = scores.get(id, 0.0) + weight
        return scores

    def search(self, query: str, size: int) -> list[tuple[str, float]]:
        """The best ids with their scores, the best first, equal ones by id."""
        return sorted(self.scores(query).items(), key=lambda item: (-item[1], item[0]))[:size]


def _weighted(found: Iterable[tuple[str, float]], passages: int) -> tuple[tuple[str, float], ...]:
    entries = tuple(found)
    rarity = math.log(1 + (passages - len(entries) + 0.5) / (len(entries) + 0.5))
    return tuple((id, rarity * weight) for id, weight in entries)
