"""The native shape by columns, `connectors/hits-api.md`: several queries, one list of passages, an array for each field.

For SQL, which writes and reads an array of a thousand numbers in a tenth of the time that it needs for as many objects.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from jrerank.domain import Candidate, Outcome, Ranking, RerankRequest
from jrerank.doors.intake import Caller, Fields, Intake, Limits
from jrerank.doors.native import OptionsBody, second_round, shown, validated
from jrerank.errors import InputTooLong

_Score = Annotated[float, Field(allow_inf_nan=False)]


class ColumnsBody(OptionsBody):
    """Queries, and the first stage's hits by columns: `texts`, or `ids` of a store's passages, and their scores."""

    queries: Annotated[list[str], Field(min_length=1, fail_fast=True)]
    texts: Annotated[list[str], Field(fail_fast=True)] | None = None
    ids: Annotated[list[str], Field(fail_fast=True)] | None = None
    scores: Annotated[list[_Score | None], Field(fail_fast=True)] | None = None

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        columns = {"texts": self.texts, "ids": self.ids, "scores": self.scores}
        lengths = {name: len(column) for name, column in columns.items() if column is not None}
        if "texts" not in lengths and "ids" not in lengths:
            raise ValueError("texts: the passages are missing; or ids, with the store that has them")
        if len(set(lengths.values())) > 1:
            raise ValueError(f"{', '.join(lengths)}: {lengths} entries, which must be equally many")
        return self

    @property
    def size(self) -> int:
        """How many hits each query has."""
        return len(self.texts if self.texts is not None else self.ids or ())

    def to_requests(self, intake: Intake, caller: Caller) -> list[RerankRequest]:
        """A request for each query, all of which are answered together.

        Raises:
            InputTooLong, InvalidInput: see `Intake.requests`.
        """
        candidates = self._candidates()
        passages = "ids" if self.texts is None else "texts"
        fields = Fields(query="queries", passages=passages, scores="scores")
        return intake.requests(
            caller, [(query, candidates) for query in self.queries], self.options(), fields
        )

    def _candidates(self) -> list[Candidate]:
        ids = self.ids or map(str, range(1, self.size + 1))
        texts: Iterable[str | None] = self.texts or repeat(None, self.size)
        scores = self.scores or repeat(None, self.size)
        return [Candidate(*hit) for hit in zip(ids, texts, scores, strict=True)]


def columns_body(value: Any, limits: Limits) -> ColumnsBody:
    """A request that has been parsed. Its columns are counted before they are looked at, and its pairs before they are made.

    Raises:
        InputTooLong: there are too many of them.
        InvalidInput: a field is wrong; `field` says which.
    """
    if isinstance(value, dict):
        for name in ("queries", "texts", "ids", "scores"):
            limits.check_count(value.get(name), name)
    body = validated(ColumnsBody, value)
    if len(body.queries) * body.size > limits.documents:
        raise InputTooLong(
            f"queries: {len(body.queries)} for {body.size} passages each; at most {limits.documents} pairs are accepted",
            field="queries",
        )
    return body


class ColumnsRankingBody(BaseModel):
    """The hits in their new order: their places in the request, from 1, and their scores, null where the model has not read one."""

    outcome: Literal["complete", "partial", "passthrough"]
    reason: str | None
    missing: list[str]
    first_ranks: list[int]
    scores: list[float | None]
    second_read: int | None = None
    second_reason: Literal["deadline", "engine_error", "too_long"] | None = None


class ColumnsAnswer(BaseModel):
    """A ranking for each query."""

    model: str
    took_ms: float
    rankings: list[ColumnsRankingBody]


def least_of(rankings: Sequence[Ranking]) -> Ranking:
    """The one of which the least was scored; of equals, the one of which the second model has read the least."""
    outcomes = list(Outcome)
    return max(rankings, key=lambda ranking: (outcomes.index(ranking.outcome), -(ranking.second_read or 0)))


def columns_answer(rankings: Sequence[Ranking], model: str, arrival: float) -> dict[str, object]:
    """The answer, ready for a JSON encoder."""
    return {
        "model": model,
        "took_ms": round((time.monotonic() - arrival) * 1000, 3),
        "rankings": [_columns(ranking) for ranking in rankings],
    }


def _columns(ranking: Ranking) -> dict[str, object]:
    return second_round(ranking) | {
        "outcome": ranking.outcome.value,
        "reason": ranking.reason,
        "missing": list(ranking.missing),
        "first_ranks": [hit.index + 1 for hit in ranking.hits],
        "scores": [None if hit.score is None else shown(hit.score) for hit in ranking.hits],
    }
