"""The native shape, `connectors/hits-api.md`: a hit list goes in and comes back in its new order. Every door can speak it."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal, Self, TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator

from jrerank.domain import Candidate, Fusion, RankedHit, Ranking, RerankRequest, sigmoid
from jrerank.doors.bodies import Share
from jrerank.doors.intake import Caller, Fields, Intake, Limits, Options
from jrerank.doors.validation import described
from jrerank.errors import InvalidInput, NotJson
from jrerank.json_reader.text import parsed

_FIELDS = Fields(passages="hits")
MAX_TEXTS = 100  # of a hit
Body = TypeVar("Body", bound=BaseModel)


class HitBody(BaseModel):
    """A hit of the first stage."""

    model_config = ConfigDict(extra="ignore")

    id: str
    text: str | None = None
    texts: Annotated[
        list[str] | None,
        Field(min_length=1, max_length=MAX_TEXTS, description="in place of `text`: the best counts"),
    ] = None
    score: Annotated[float, Field(allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _check_texts(self) -> Self:
        if self.text is not None and self.texts is not None:
            raise ValueError("text and texts are two ways to say the same; send one of them")
        return self

    def candidate(self) -> Candidate:
        """As the reranker takes it."""
        if self.texts is None:
            return Candidate(self.id, self.text, self.score)
        first, *others = self.texts
        return Candidate(self.id, first, self.score, tuple(others))


class LinearFusionBody(BaseModel):
    """Order by logit + weight x first-stage score."""

    method: Literal["linear"]
    weight: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = 1.0


class RrfFusionBody(BaseModel):
    """Order by the sum of 1 / (rank_constant + rank) over both rankings."""

    method: Literal["rrf"]
    rank_constant: Annotated[int, Field(ge=1, le=10**9)] = 60


def fusion_of(body: LinearFusionBody | RrfFusionBody | None) -> Fusion | None:
    """As the reranker takes it."""
    return None if body is None else Fusion(**body.model_dump())


class OptionsBody(BaseModel):
    """What a request may say beside its query and its passages."""

    model_config = ConfigDict(extra="ignore")

    store: str | None = None
    top_n: Annotated[int, Field(ge=1)] | None = None
    timeout_ms: Annotated[int, Field(ge=1, le=86_400_000)] | None = None
    fusion: Annotated[LinearFusionBody | RrfFusionBody, Field(discriminator="method")] | None = None
    max_tokens_per_doc: Annotated[int, Field(ge=1, le=10**9)] | None = None

    def options(self) -> Options:
        """As intake takes them."""
        return Options(
            top_n=self.top_n,
            timeout_ms=self.timeout_ms,
            fusion=fusion_of(self.fusion),
            store=self.store,
            max_tokens_per_doc=self.max_tokens_per_doc,
        )


class HitsBody(OptionsBody):
    """A query and the first stage's hits, in its order."""

    query: str
    hits: Annotated[list[HitBody], FailFast()]  # a list of another kind would be an error for each item

    @property
    def documents(self) -> int:
        """How many texts there are; a hit without one has it in a store."""
        return sum(1 if hit.texts is None else len(hit.texts) for hit in self.hits)

    def to_request(self, intake: Intake, caller: Caller) -> RerankRequest:
        """As the reranker takes it.

        Raises:
            InvalidInput: see `Intake.request`.
        """
        candidates = [hit.candidate() for hit in self.hits]
        return intake.request(caller, self.query, candidates, self.options(), _FIELDS)


class RankedHitBody(BaseModel):
    """A hit in its new place. `score` is null where the model has not read the hit, `truncated` says that it has not read it to
    its end."""

    id: str
    score: float | None
    rank: int
    first_rank: int
    first_score: float | None
    scored: bool
    truncated: bool
    best_text: Annotated[int, Field(description="of `texts`, from 0: what the hit was scored by")] = 0
    second_score: Annotated[
        float | None,
        Field(description="the second model's, from 0 to 1, where it has put the hit into its place"),
    ] = None


class UsageBody(BaseModel):
    """What the model has read."""

    total_tokens: int


class HitsAnswer(BaseModel):
    """The hits in their new order, and what became of the request."""

    outcome: Literal["complete", "partial", "passthrough"]
    reason: str | None
    model: str
    took_ms: float
    missing: list[str]
    usage: UsageBody
    hits: list[RankedHitBody]
    second_read: Annotated[
        int | None,
        Field(description="hits of the top that the second model has put in order, if there is one"),
    ] = None
    second_reason: Annotated[
        Literal["deadline", "engine_error", "too_long"] | None,
        Field(description="why the second model has not read all that it was to read; absent where it has"),
    ] = None


def hits_body(value: Any, limits: Limits) -> HitsBody:
    """A request that has been parsed. Its hits are counted before they are looked at.

    Raises:
        InputTooLong: there are too many hits.
        InvalidInput: a field is wrong; `field` says which.
    """
    if isinstance(value, dict):
        limits.check_count(value.get("hits"), "hits")
    return validated(HitsBody, value)


def validated(shape: type[Body], value: Any) -> Body:
    """The request that a JSON value is.

    Raises:
        InvalidInput: a field is wrong; `field` says which.
    """
    try:
        return shape.model_validate(value, from_attributes=True)
    except pydantic.ValidationError as error:
        message, field = described(error.errors(include_url=False))
        raise InvalidInput(message, field=field) from None


def json_of(body: bytes, share: Share) -> Any:
    """The JSON value of a request that did not come over HTTP; what it takes in memory counts as the request's share.

    Raises:
        NotJson: it cannot be parsed.
        InputTooLong, Overloaded: see `Share.take_text`.
    """
    try:
        return parsed(body, share.take_values)
    except ValueError as error:
        raise NotJson(f"the request is not JSON: {error}") from None


def second_round(ranking: Ranking) -> dict[str, object]:
    """What an answer tells of it: nothing where there is no second model."""
    told = {"second_read": ranking.second_read, "second_reason": ranking.second_reason}
    return {name: value for name, value in told.items() if value is not None}


def hits_answer(ranking: Ranking, model: str, arrival: float) -> dict[str, object]:
    """The answer, ready for a JSON encoder."""
    return second_round(ranking) | {
        "outcome": ranking.outcome.value,
        "reason": ranking.reason,
        "model": model,
        "took_ms": round((time.monotonic() - arrival) * 1000, 3),
        "missing": list(ranking.missing),
        "usage": {"total_tokens": ranking.tokens},
        "hits": [_hit(rank, hit) for rank, hit in enumerate(ranking.hits, start=1)],
    }


def shown(score: float) -> float:
    """At most 8 significant digits: OpenSearch's ML Commons casts a score to Double, and fails on longer literals."""
    return float(f"{score:.8g}")


def _hit(rank: int, hit: RankedHit) -> dict[str, object]:
    shape: dict[str, object] = {
        "id": hit.id,
        "score": None if hit.score is None else shown(hit.score),
        "rank": rank,
        "first_rank": hit.index + 1,
        "first_score": hit.first_score,
        "scored": hit.scored,
        "truncated": hit.truncated,
    }
    if hit.best:
        shape["best_text"] = hit.best
    if hit.second_logit is not None:
        shape["second_score"] = shown(sigmoid(hit.second_logit))
    return shape
