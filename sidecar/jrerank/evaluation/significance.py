"""Whether a difference between two systems is more than chance, when both answered the same queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_EXACT_UP_TO = 16  # 65,536 ways to turn the signs round: all of them are tried
_CHUNK = 1_000
_SEED = 20_251_126
_TIE = 1e-12  # two sums of the same numbers in another order differ by as much

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """Of a mean, at some confidence."""

    mean: float
    low: float
    high: float


def paired_randomization(differences: Sequence[float], permutations: int = 20_000) -> float:
    """Two-sided p-value of a mean difference, by turning signs round at random (Fisher, 1935; Smucker et al., 2007).

    Exact for up to 16 differences other than 0, which are all that matter; else of so many permutations, itself counted among them.
    """
    values = np.array([value for value in differences if value != 0.0], dtype=np.float64)
    if not len(values):
        return 1.0
    observed = abs(values.sum()) - _TIE * np.abs(values).sum()
    if len(values) <= _EXACT_UP_TO:
        return float(np.mean(np.abs(_all_signs(len(values)) @ values) >= observed))
    generator = np.random.default_rng(_SEED)
    extreme = 0
    for start in range(0, permutations, _CHUNK):
        signs = generator.integers(0, 2, (min(_CHUNK, permutations - start), len(values))) * 2 - 1
        extreme += int(np.count_nonzero(np.abs(signs @ values) >= observed))
    return (extreme + 1) / (permutations + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for being several (Holm, 1979): what is below 0.05 is so with all of them taken together."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def bootstrap(values: Sequence[float], confidence: float = 0.95, resamples: int = 10_000) -> Interval:
    """The mean with its percentile interval over resampled values (Efron, 1979).

    Raises:
        ValueError: there are no values.
    """
    sample = np.asarray(values, dtype=np.float64)
    if not len(sample):
        raise ValueError("a mean of nothing has no interval")
    generator = np.random.default_rng(_SEED)
    means = np.concatenate(
        [
            sample[generator.integers(0, len(sample), (min(_CHUNK, resamples - start), len(sample)))].mean(
                axis=1
            )
            for start in range(0, resamples, _CHUNK)
        ]
    )
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(sample.mean()), float(low), float(high))


def _all_signs(count: int) -> Floats:
    numbers = np.arange(2**count)[:, None] >> np.arange(count)
    return ((numbers & 1) * 2 - 1).astype(np.float64)
