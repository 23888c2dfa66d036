"""Scores -> ranked hits: ties, the unscored tail, fusion with the first stage, and what became of the request."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, repeat

from jrerank.cascade import Head, reordered
from jrerank.domain import (
    LEAST_SECOND_DEPTH,
    Candidate,
    Fusion,
    Outcome,
    PairResult,
    RankedHit,
    Ranking,
    RerankRequest,
    Scored,
    sigmoid,
)
from jrerank.errors import InputTooLong
from jrerank.stores.passages import FetchedPassages

_Best = tuple[int, PairResult | None]


def rankings_of(
    requests: Sequence[RerankRequest],
    fetched: Sequence[FetchedPassages],
    results: Sequence[Sequence[PairResult | None]],
    heads: Sequence[Head] | None = None,
) -> list[Ranking]:
    """A ranking for each request, given for each passage that was to be read what came of it: None where it was not reached.

    Args:
        heads: what the second model has read of each request; None where there is none. The outcome is that of the first round.

    Raises:
        InputTooLong: a text does not fit the first model, and its request refuses truncation; `field` is `query` or such as
            `passages.3`.
    """
    return list(map(_ranking, requests, fetched, results, repeat(None) if heads is None else heads))


def heads_of(
    requests: Sequence[RerankRequest],
    fetched: Sequence[FetchedPassages],
    results: Sequence[Sequence[PairResult | None]],
    depth: int,
) -> list[Head]:
    """Each first ranking, with its first `depth` scored hits for a second model to read: each by the passage that it was scored by.

    Raises:
        InputTooLong: as `rankings_of` does.
    """
    return [_head(*each, depth) for each in zip(requests, fetched, results, strict=True)]


def order(
    candidates: Sequence[Candidate],
    scored: Sequence[Scored | None],
    fusion: Fusion | None = None,
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
    return tuple(sorted(hits, key=_fused_place if fusion else _place))


def _place(hit: RankedHit) -> tuple[bool, float]:
    return not hit.scored, -(hit.logit or 0.0)


def _fused_place(hit: RankedHit) -> tuple[bool, float]:
    return not hit.scored, -(hit.score or 0.0)


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


def _ranking(
    request: RerankRequest,
    fetched: FetchedPassages,
    results: Sequence[PairResult | None],
    head: Head | None,
) -> Ranking:
    first = Head(_first_hits(request, fetched, results)) if head is None else head
    read = first.read
    hits = reordered(first.hits, read)
    is_read = all(isinstance(result, Scored) for result in results)
    count = sum(hit.scored for hit in hits)
    outcome = _outcome(count, len(hits), is_read)
    return Ranking(
        hits=hits[: request.top_n],
        outcome=outcome,
        reason=None if outcome is Outcome.COMPLETE else _reason(fetched, results),
        tokens=sum(result.tokens for result in (*results, *first.results) if isinstance(result, Scored)),
        missing=fetched.missing,
        truncated=sum(hit.truncated for hit in hits),
        second_read=None if head is None else len(read),
        second_reason=first.reason,
    )


def _head(
    request: RerankRequest, fetched: FetchedPassages, results: Sequence[PairResult | None], depth: int
) -> Head:
    hits = _first_hits(request, fetched, results)
    top = [hit for hit in hits[:depth] if hit.scored]
    if len(top) < LEAST_SECOND_DEPTH:
        return Head(hits)
    return Head(hits, tuple(fetched.to_read[hit.index][hit.best] for hit in top))


def _first_hits(
    request: RerankRequest, fetched: FetchedPassages, results: Sequence[PairResult | None]
) -> tuple[RankedHit, ...]:
    """All hits as the first round ranks them."""
    bests = _bests(fetched, results)
    hits = order(fetched.candidates, _scored(bests), request.fusion)
    return tuple(replace(hit, best=bests[hit.index][0]) if bests[hit.index][0] else hit for hit in hits)


def _bests(fetched: FetchedPassages, results: Sequence[PairResult | None]) -> list[_Best]:
    next_results = iter(results)
    bests = [_best(list(islice(next_results, len(passages)))) for passages in fetched.to_read]
    _refuse_truncation([result for _, result in bests])
    return bests


def _scored(bests: Sequence[_Best]) -> list[Scored | None]:
    return [result if isinstance(result, Scored) else None for _, result in bests]


def _best(results: Sequence[PairResult | None]) -> _Best:
    """The place and the result of a candidate's best passage; else what went wrong with one; but one that is refused goes first."""
    for place, result in enumerate(results):
        if isinstance(result, InputTooLong):
            return place, result
    read = [
        (result.logit, -place, result) for place, result in enumerate(results) if isinstance(result, Scored)
    ]
    if read:
        _, place, result = max(read, key=lambda one: one[:2])
        return -place, result
    return 0, next((result for result in results if result is not None), None)


def _refuse_truncation(results: Sequence[PairResult | None]) -> None:
    for index, result in enumerate(results):
        if isinstance(result, InputTooLong):
            raise InputTooLong(str(result), field=result.field or f"passages.{index}")


def _outcome(scored: int, hits: int, is_read: bool) -> Outcome:
    """A hit of which one passage was not read may be worth more than its score says: then the order is not complete."""
    if scored == hits and is_read:
        return Outcome.COMPLETE
    return Outcome.PARTIAL if scored else Outcome.PASSTHROUGH


def _reason(fetched: FetchedPassages, results: Sequence[PairResult | None]) -> str:
    if any(isinstance(result, Exception) for result in results):
        return "engine_error"
    return "deadline" if None in results else fetched.reason or "missing_passages"
