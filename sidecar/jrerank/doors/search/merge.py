"""The hits of a search in their new order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jrerank.domain import Outcome, RankedHit, Ranking
from jrerank.doors.native import shown

PASSTHROUGH = Outcome.PASSTHROUGH.value


@dataclass(frozen=True, slots=True)
class Ranked:
    """A hit after reranking: its place in the first stage, from 0, and the score it is shown with."""

    index: int
    score: float | None
    is_scored: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the window; `ranked` holds each of its hits once, or nothing where none was scored."""

    outcome: str
    reason: str | None = None
    model: str | None = None
    ranked: tuple[Ranked, ...] = ()

    @property
    def reranked(self) -> int:
        """How many hits the model has read."""
        return sum(one.is_scored for one in self.ranked)


def answer_of(ranking: Ranking, model: str) -> Answer:
    """What the reranker says of the window; a hit that was not scored keeps the first stage's score."""
    return Answer(ranking.outcome.value, ranking.reason, model, tuple(map(_ranked, ranking.hits)))


def merged(answer: Answer, first_scores: Sequence[float | None]) -> tuple[Ranked, ...]:
    """The whole list: the window as it was answered, then what is beyond it as it was."""
    unchanged = tuple(Ranked(index, score, False) for index, score in enumerate(first_scores))
    return answer.ranked + unchanged[len(answer.ranked) :]


def _ranked(hit: RankedHit) -> Ranked:
    score = hit.first_score if hit.score is None else shown(hit.score)
    return Ranked(hit.index, score, hit.scored)
