"""BM25 over character bigrams in memory: the first stage that gives hard negatives, and the list that a dev set reranks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from jrerank.evaluation.bigrams import bigrams

_K1, _B = 1.2, 0.75


class LexicalIndex:
    """Robertson and Zaragoza, 2009, with Lucene's idf, which is never negative."""

    def __init__(self, texts: Sequence[str]) -> None:
        vocabulary: dict[str, int] = {}
        rows, columns, counts, lengths = [], [], [], []
        for row, text in enumerate(texts):
            tokens = Counter(bigrams(text))
            lengths.append(sum(tokens.values()))
            for token, count in tokens.items():
                rows.append(row)
                columns.append(vocabulary.setdefault(token, len(vocabulary)))
                counts.append(count)
        self._size = len(texts)
        self._vocabulary = vocabulary
        self._postings = _postings(rows, columns, counts, lengths, len(vocabulary))

    def scores(self, query: str) -> npt.NDArray[np.float64]:
        """One for each text."""
        scores = np.zeros(self._size)
        for token in bigrams(query):
            if (column := self._vocabulary.get(token)) is not None:
                rows, weights = self._postings[column]
                scores[rows] += weights
        return scores

    def search(self, query: str, size: int) -> list[tuple[int, float]]:
        """Index and score of the best texts, the best first; equal ones in their own order."""
        scores = self.scores(query)
        size = min(size, self._size)
        best = np.argpartition(-scores, size - 1)[:size] if size else np.zeros(0, dtype=np.int64)
        return sorted(((int(i), float(scores[i])) for i in best), key=lambda hit: (-hit[1], hit[0]))


def _postings(
    rows: Iterable[int],
    columns: Iterable[int],
    counts: Iterable[int],
    lengths: Iterable[int],
    vocabulary: int,
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
    row, column = np.array(list(rows), dtype=np.int64), np.array(list(columns), dtype=np.int64)
    count, length = np.array(list(counts), dtype=float), np.array(list(lengths), dtype=float)
    frequency = np.bincount(column, minlength=vocabulary)
    idf = np.log(1 + (len(length) - frequency + 0.5) / (frequency + 0.5))
    saturated = count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * length[row] / max(length.mean(), 1)))
    weight = idf[column] * saturated
    order = np.argsort(column, kind="stable")
    ends = np.cumsum(frequency)[:-1]
    return list(zip(np.split(row[order], ends), np.split(weight[order], ends), strict=True))
