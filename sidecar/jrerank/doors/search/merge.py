"""The hits of a search in their new order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jrerank.domain import Candidate

PASSTHROUGH = "passthrough"
_OUTCOMES = {"complete", "partial", PASSTHROUGH}


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


class _UnusableError(Exception):
    """The message is the reason."""


def read_answer(answer: Mapping[str, Any], candidates: Sequence[Candidate]) -> Answer:
    """An answer of `POST /v1/hits` for the candidates; one that cannot be right is as good as none."""
    try:
        if answer.get("outcome") not in _OUTCOMES or not isinstance(answer.get("hits"), list):
            raise _UnusableError("invalid_answer")
        ranked = _all_ranked(answer["hits"], candidates)
    except _UnusableError as error:
        return Answer(PASSTHROUGH, str(error))
    return Answer(answer["outcome"], answer.get("reason"), answer.get("model"), ranked)


def merged(answer: Answer, first_scores: Sequence[float | None]) -> tuple[Ranked, ...]:
    """The whole list: the window as it was answered, then what is beyond it as it was."""
    unchanged = tuple(Ranked(index, score, False) for index, score in enumerate(first_scores))
    return answer.ranked + unchanged[len(answer.ranked) :]


def _all_ranked(hits: Sequence[object], candidates: Sequence[Candidate]) -> tuple[Ranked, ...]:
    ranked: dict[int, Ranked] = {}
    for hit in hits:
        one = _ranked(hit, candidates)
        if one.index in ranked:
            raise _UnusableError("duplicate_results")
        ranked[one.index] = one
    if len(ranked) < len(candidates):
        raise _UnusableError("missing_results")
    return tuple(ranked.values())


def _ranked(hit: object, candidates: Sequence[Candidate]) -> Ranked:
    if not isinstance(hit, Mapping) or type(hit.get("first_rank")) is not int:
        raise _UnusableError("invalid_answer")
    index = hit["first_rank"] - 1
    if not 0 <= index < len(candidates) or candidates[index].id != hit.get("id"):
        raise _UnusableError("unexpected_results")
    if hit.get("scored") is not True:
        return Ranked(index, candidates[index].score, False)
    return Ranked(index, _score(hit.get("score")), True)


def _score(score: object) -> float:
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score):
        raise _UnusableError("invalid_answer")
    return float(score)
