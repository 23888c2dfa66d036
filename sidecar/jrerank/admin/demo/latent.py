"""Vectors for a hybrid search without a model: latent semantic analysis (Deerwester et al., 1990) of the passages' bigrams.

They know nothing but the passages they were made from, so they say little of what a neural embedding would find.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jrerank.evaluation.bigrams import bigrams

Float32Array = npt.NDArray[np.float32]
_SATURATION = 1.2


@dataclass(frozen=True, slots=True)
class LatentSpace:
    """`basis` (bigrams x dimensions) takes a text's weighted bigrams to its vector; `weights` are inverse document frequencies."""

    places: Mapping[str, int]
    weights: Float32Array
    basis: Float32Array

    @classmethod
    def of(cls, texts: Sequence[str], dimensions: int) -> LatentSpace:
        """Fitted to `texts`, of which there are more than dimensions."""
        counted = [Counter(bigrams(text)) for text in texts]
        frequencies = Counter(token for counts in counted for token in counts)
        shared = [token for token, count in frequencies.items() if count > 1]  # no other relates two texts
        places = {token: place for place, token in enumerate(shared)}
        weights = np.array([np.log(len(texts) / frequencies[token]) for token in shared], np.float32)
        rows = _rows(counted, places, weights)
        return cls(places, weights, _basis(rows, dimensions))

    def vectors(self, texts: Iterable[str]) -> Float32Array:
        """One of length 1 for each text (texts x dimensions); zeros where it shares no bigram with the others."""
        rows = _rows([Counter(bigrams(text)) for text in texts], self.places, self.weights)
        return _normalized(rows @ self.basis)


def _basis(rows: Float32Array, dimensions: int) -> Float32Array:
    """The first right singular vectors of `rows`, from the products of the rows, of which there are few."""
    squares, vectors = np.linalg.eigh(rows @ rows.T)
    largest = slice(-dimensions, None)
    # **0.5 would keep the lengths; the rest keeps the first dimensions from outweighing the others
    return np.asarray(rows.T @ (vectors[:, largest] / squares[largest] ** 0.75), np.float32)


def _rows(counted: Sequence[Counter[str]], places: Mapping[str, int], weights: Float32Array) -> Float32Array:
    rows = np.zeros((len(counted), len(places)), np.float32)
    for row, counts in zip(rows, counted, strict=True):
        known = {places[token]: count for token, count in counts.items() if token in places}
        often = np.fromiter(known.values(), np.float32, len(known))
        row[list(known)] = often / (often + _SATURATION)  # as in BM25: a tenth time says less than the first
    return _normalized(rows * weights)


def _normalized(rows: Float32Array) -> Float32Array:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
