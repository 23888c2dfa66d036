"""Scores -> ranked hits: ties, the unscored tail, fusion with the first stage."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from jrerank.domain import Candidate, Fusion, RankedHit, Scored, sigmoid


def order(
    candidates: Sequence[Candidate], scored: Sequence[Scored | None], fusion: Fusion | None = None
) -> tuple[RankedHit, ...]:
    """All candidates as hits: the scored ones by score, then the others; both keep the first stage's order among equals.

    Args:
        scored: what the model made of each candidate, None where it has not read it.
        fusion: how the first stage's opinion counts; None where it does not.
    """
    scores = _scores(candidates, scored, fusion)
    hits = [
        RankedHit(
            id=candidate.id,
            index=index,
            score=scores[index],
            logit=None if result is None else result.logit,
            first_score=candidate.score,
            truncated=result is not None and result.truncated,
        )
        for index, (candidate, result) in enumerate(zip(candidates, scored, strict=True))
    ]
    # sorted() is stable, and hits are in the first stage's order. Logits beyond 37 differ where their sigmoids are all 1.0
    return tuple(
        sorted(hits, key=lambda hit: (not hit.scored, -((hit.score if fusion else hit.logit) or 0.0)))
    )


def _scores(
    candidates: Sequence[Candidate], scored: Sequence[Scored | None], fusion: Fusion | None
) -> list[float | None]:
    if fusion is None:
        return [None if result is None else sigmoid(result.logit) for result in scored]
    if fusion.method == "linear":
        return [
            None if result is None else _finite(result.logit + fusion.weight * (candidate.score or 0.0))
            for candidate, result in zip(candidates, scored, strict=True)
        ]
    return _reciprocal_ranks(scored, fusion.rank_constant)


def _finite(score: float) -> float:
    """A first-stage score near the largest float must not become an infinity, which JSON cannot hold."""
    return max(-sys.float_info.max, min(sys.float_info.max, score))


def _reciprocal_ranks(scored: Sequence[Scored | None], rank_constant: int) -> list[float | None]:
    logits = {index: result.logit for index, result in enumerate(scored) if result is not None}
    by_model = sorted(logits, key=lambda index: (-logits[index], index))
    scores: list[float | None] = [None] * len(scored)
    for model_rank, index in enumerate(by_model, start=1):
        scores[index] = 1.0 / (rank_constant + model_rank) + 1.0 / (rank_constant + index + 1)
    return scores
