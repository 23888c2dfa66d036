"""text-embeddings-inference's `/rerank`: a bare array. Elasticsearch's `hugging_face` service speaks it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, RootModel

from jrerank.domain import Candidate, Truncation
from jrerank.doors.http.context import TimeoutMs, caller_of, service_of
from jrerank.doors.http.run import answer, rerank
from jrerank.doors.http.scores import shown_scores
from jrerank.doors.intake import Fields, Options


class TeiBody(BaseModel):
    """What clients of text-embeddings-inference send."""

    model_config = ConfigDict(extra="ignore")

    query: str
    texts: list[str]
    raw_scores: bool = False
    return_text: bool | None = None
    truncate: Annotated[
        bool | None, Field(description="false refuses what is too long; the default truncates")
    ] = None
    truncation_direction: Literal["left", "right", "Left", "Right"] = "right"
    top_n: Annotated[int | None, Field(ge=1)] = None
    timeout_ms: TimeoutMs = None

    @property
    def truncation(self) -> Truncation:
        """As the encoder takes it."""
        if self.truncate is False:
            return "refuse"
        return "left" if self.truncation_direction.lower() == "left" else "right"


class TeiResult(BaseModel):
    """`index` is the text's place in the request, from 0."""

    index: int
    score: float
    text: str | None = None


class TeiAnswer(RootModel[list[TeiResult]]):
    """All results, the best first."""


async def answer_tei(body: TeiBody, http: Request) -> Response:
    """Rerank, and answer as text-embeddings-inference does."""
    candidates = [Candidate(str(index), text) for index, text in enumerate(body.texts)]
    options = Options(top_n=body.top_n, timeout_ms=body.timeout_ms, truncation=body.truncation)
    request = service_of(http).intake.request(
        caller_of(http), body.query, candidates, options, Fields(passages="texts")
    )
    ranking = await rerank(http, request, "tei")
    scores = shown_scores(ranking.hits, raw=body.raw_scores)
    results = [
        {"index": hit.index, "score": score} | ({"text": body.texts[hit.index]} if body.return_text else {})
        for hit, score in zip(ranking.hits, scores, strict=True)
    ]
    return answer(results, ranking)
