"""How good a hit list is, as it stands: nothing is sorted again, so a tie keeps the place it was given.

Each function takes the ids of a hit list, best first, and the labels of its query: id -> gain, where a passage without a label
counts as not relevant. The values are those of trec_eval (and so of `ir-measures`) on a run without ties. An id that comes twice
counts where it comes first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from jrerank.errors import InvalidInput

Labels = Mapping[str, int]


def ndcg(ids: Sequence[str], labels: Labels, cutoff: int | None = None) -> float:
    """Normalized discounted cumulative gain with linear gains (Jarvelin and Kekalainen, 2002)."""
    ideal = sorted((gain for gain in labels.values() if gain > 0), reverse=True)
    best = _discounted(ideal[:cutoff])
    return _discounted(_gains(ids, labels)[:cutoff]) / best if best else 0.0


def reciprocal_rank(ids: Sequence[str], labels: Labels, cutoff: int | None = None) -> float:
    """1 / rank of the first relevant passage, 0 beyond the cutoff."""
    ranks = (rank for rank, gain in enumerate(_gains(ids, labels)[:cutoff], start=1) if gain > 0)
    return next((1.0 / rank for rank in ranks), 0.0)


def average_precision(ids: Sequence[str], labels: Labels, cutoff: int | None = None) -> float:
    """The mean, over all relevant passages, of the precision at the rank of each; 0 for what is beyond the cutoff or missing."""
    found, total = 0, 0.0
    for rank, gain in enumerate(_gains(ids, labels)[:cutoff], start=1):
        if gain > 0:
            found += 1
            total += found / rank
    return total / relevant if (relevant := _relevant(labels)) else 0.0


def recall(ids: Sequence[str], labels: Labels, cutoff: int | None = None) -> float:
    """The share of the relevant passages that the list has."""
    found = sum(gain > 0 for gain in _gains(ids, labels)[:cutoff])
    return found / relevant if (relevant := _relevant(labels)) else 0.0


_FUNCTIONS: Mapping[str, Callable[[Sequence[str], Labels, int | None], float]] = {
    "nDCG": ndcg,
    "MRR": reciprocal_rank,
    "MAP": average_precision,
    "Recall": recall,
}
_NAME = re.compile(r"(\w+)(?:@([1-9]\d*))?")


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure with its cutoff: `nDCG@10`, `MAP`."""

    kind: str
    cutoff: int | None = None

    @classmethod
    def parse(cls, name: str) -> Measure:
        """The measure of that name.

        Raises:
            InvalidInput: there is none.
        """
        match = _NAME.fullmatch(name.strip())
        kinds = {kind.lower(): kind for kind in _FUNCTIONS}
        if match is None or match[1].lower() not in kinds:
            raise InvalidInput(
                f"{name!r} is no measure: {', '.join(_FUNCTIONS)}, each with or without @k", field="measure"
            )
        return cls(kinds[match[1].lower()], int(match[2]) if match[2] else None)

    def __str__(self) -> str:
        return self.kind if self.cutoff is None else f"{self.kind}@{self.cutoff}"

    def of(self, ids: Sequence[str], labels: Labels) -> float:
        """Its value for one hit list: from 0 to 1."""
        return _FUNCTIONS[self.kind](ids, labels, self.cutoff)


def _gains(ids: Sequence[str], labels: Labels) -> list[int]:
    return [max(0, labels.get(id, 0)) for id in dict.fromkeys(ids)]


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _relevant(labels: Labels) -> int:
    return sum(gain > 0 for gain in labels.values())
