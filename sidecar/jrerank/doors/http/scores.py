"""Scores for shapes that have room for nothing but a score."""

from __future__ import annotations

from collections.abc import Sequence

from jrerank.domain import RankedHit
from jrerank.doors.native import shown

# Unscored hits lie within (-_BAND, 0): older Elasticsearch mishandles negative scores, others normalise by the least one
_BAND = 0.01
_RAW_STEP = 0.001


def shown_scores(hits: Sequence[RankedHit], *, raw: bool = False) -> list[float]:
    """A score for every hit, in the hits' order, at most 8 significant digits.

    Hits that were not scored fall strictly from just below 0 (raw logits: from below the lowest one), so that any client's sort
    keeps them last and in order.
    """
    scores = [hit.logit if raw else hit.score for hit in hits]
    floor = min([0.0, *(score for score in scores if score is not None)])
    unscored = scores.count(None)
    step = _RAW_STEP if raw else _BAND / (unscored + 1)
    below = (floor - step * place for place in range(1, unscored + 1))
    return [shown(next(below) if score is None else score) for score in scores]
