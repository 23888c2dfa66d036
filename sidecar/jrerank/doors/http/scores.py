"""Scores for shapes that have room for nothing but a score."""

from __future__ import annotations

from collections.abc import Sequence

from jrerank.domain import RankedHit
from jrerank.doors.native import shown

_STEP = 0.001


def shown_scores(hits: Sequence[RankedHit], *, raw: bool = False) -> list[float]:
    """A score for every hit, in the hits' order, at most 8 significant digits.

    Hits that were not scored get -0.001, -0.002, ... (raw logits: below the lowest one), so that any client's sort keeps them last
    and in order.
    """
    lowest = min((hit.logit for hit in hits if hit.logit is not None), default=0.0) if raw else 0.0
    floor = min(0.0, lowest)
    scores, unscored = [], 0
    for hit in hits:
        said = hit.logit if raw else hit.score
        unscored += said is None
        scores.append(shown(floor - _STEP * unscored if said is None else said))
    return scores
