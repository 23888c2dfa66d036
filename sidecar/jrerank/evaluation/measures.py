"""How good a hit list is, when one passage is the right one."""

from __future__ import annotations

import math
from collections.abc import Sequence


def ndcg(ids: Sequence[str], relevant: str, cutoff: int = 10) -> float:
    """Normalized discounted cumulative gain (Jarvelin and Kekalainen, 2002); the ideal list has the passage first."""
    return next(
        (1.0 / math.log2(rank + 1) for rank, id in enumerate(ids[:cutoff], start=1) if id == relevant), 0.0
    )


def reciprocal_rank(ids: Sequence[str], relevant: str, cutoff: int = 10) -> float:
    """1 / rank of the relevant passage, 0 beyond the cutoff."""
    return next((1.0 / rank for rank, id in enumerate(ids[:cutoff], start=1) if id == relevant), 0.0)
