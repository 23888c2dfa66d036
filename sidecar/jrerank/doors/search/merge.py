"""The hits of a search in their new order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from jrerank.domain import Outcome, RankedHit, Ranking
from jrerank.doors.native import shown

PASSTHROUGH = Outcome.PASSTHROUGH.value
Unread = Literal["below", "keep", "cut"]
# The scores of unread hits lie this close below the lowest that was read, or below 0
_BELOW = 0.01
_HALFWAY = 100


@dataclass(frozen=True, slots=True)
class Ranked:
    """A hit after reranking: its place in the first stage, from 0, and the score it is shown with."""

    index: int
    score: float | None
    is_scored: bool
    best: int = 0  # of its passages


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the window; `ranked` holds each of its hits once, or nothing where none was scored.

    `second_read` is how many of them a second model has put in order, if there is one.
    """

    outcome: str
    reason: str | None = None
    model: str | None = None
    ranked: tuple[Ranked, ...] = ()
    second_read: int | None = None

    @property
    def reranked(self) -> int:
        """How many hits the model has read."""
        return sum(one.is_scored for one in self.ranked)


def answer_of(ranking: Ranking, model: str) -> Answer:
    """What the reranker says of the window; a hit that was not scored keeps the first stage's score."""
    ranked = tuple(map(_ranked, ranking.hits))
    return Answer(ranking.outcome.value, ranking.reason, model, ranked, ranking.second_read)


def merged(
    answer: Answer,
    first_scores: Sequence[float | None],
    unread: Unread = "below",
    min_score: float | None = None,
) -> tuple[Ranked, ...]:
    """The whole list: the window as it was answered, then what is beyond it as it was.

    Once the model has read some hits, those that it has not read are shown with scores `below` all of these, falling; or
    `keep` their first-stage scores, which are on another scale; or are `cut`. No hit below `min_score` is shown, but for
    kept ones. Where nothing was read, nothing changes.
    """
    unchanged = tuple(Ranked(index, score, False) for index, score in enumerate(first_scores))
    order = answer.ranked + unchanged[len(answer.ranked) :]
    if not any(one.is_scored for one in order):
        return order
    listed = _LISTED[unread](order)
    if min_score is None:
        return listed
    is_kept = unread == "keep"
    return tuple(
        one
        for one in listed
        if (is_kept and not one.is_scored) or (one.score is not None and one.score >= min_score)
    )


def _with_unread_below(order: Sequence[Ranked]) -> tuple[Ranked, ...]:
    floor = min(0.0, *(one.score for one in order if one.is_scored and one.score is not None))
    places = itertools.count(1)
    return tuple(one if one.is_scored else replace(one, score=_below(floor, next(places))) for one in order)


def _below(floor: float, place: int) -> float:
    """Falling from place to place without an end, and the same on every page."""
    return floor - _BELOW * place / (place + _HALFWAY)


def _without_unread(order: Sequence[Ranked]) -> tuple[Ranked, ...]:
    return tuple(one for one in order if one.is_scored)


_LISTED: Mapping[Unread, Callable[[Sequence[Ranked]], tuple[Ranked, ...]]] = {
    "below": _with_unread_below,
    "keep": tuple,
    "cut": _without_unread,
}


def _ranked(hit: RankedHit) -> Ranked:
    score = hit.first_score if hit.score is None else shown(hit.score)
    return Ranked(hit.index, score, hit.scored, hit.best)
