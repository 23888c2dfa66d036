"""vLLM's `/score` and `/v1/score`: scores in input order, for one query with many texts or for pairs."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from jrerank.domain import Candidate, Outcome, RankedHit, Ranking, RerankRequest
from jrerank.doors.http.context import TimeoutMs, arrival_of, caller_of, service_of
from jrerank.doors.http.errors_openapi import openai_errors
from jrerank.doors.http.routing import OpenAiRoute
from jrerank.doors.http.run import answer, while_there
from jrerank.doors.http.scores import shown_scores
from jrerank.doors.intake import Fields, Options
from jrerank.errors import InvalidInput

router = APIRouter(route_class=OpenAiRoute, tags=["score"], responses=openai_errors)


class ScoreBody(BaseModel):
    """One text against one or many, or as many against as many."""

    model_config = ConfigDict(extra="ignore")

    text_1: str | list[str]
    text_2: str | list[str]
    model: Annotated[str | None, Field(description="accepted and ignored: the sidecar serves one model")] = (
        None
    )
    timeout_ms: TimeoutMs = None

    def pairs(self) -> list[tuple[str, str]]:
        """The texts that belong together.

        Raises:
            InvalidInput: there are not as many of the one as of the other, and there isn't a single first one.
        """
        first = [self.text_1] if isinstance(self.text_1, str) else self.text_1
        second = [self.text_2] if isinstance(self.text_2, str) else self.text_2
        if len(first) == 1:
            first = first * len(second)
        if len(first) != len(second):
            raise InvalidInput(
                f"text_1 has {len(first)} texts and text_2 {len(second)}: send one, or as many, in text_1",
                field="text_1",
            )
        return list(zip(first, second, strict=True))


class Score(BaseModel):
    """`index` is the pair's place in the request, from 0."""

    index: int
    object: str
    score: float


class ScoreAnswer(BaseModel):
    """Scores in input order."""

    id: str
    object: str
    created: int
    model: str
    data: list[Score]
    usage: dict[str, int]


@router.post("/v1/score", response_model=ScoreAnswer)
@router.post("/score", response_model=ScoreAnswer)
async def score(body: ScoreBody, http: Request) -> Response:
    """Score pairs, in input order."""
    service = service_of(http)
    pairs = body.pairs()
    requests = service.intake.requests(
        caller_of(http), _by_query(pairs), Options(timeout_ms=body.timeout_ms), Fields("text_1", "text_2")
    )
    rankings = await while_there(http, "score", service.reranker.rerank_all(requests))
    whole = _joined(rankings, len(pairs))
    candidates = tuple(candidate for request in requests for candidate in request.candidates)
    service.note(
        "score", RerankRequest(query="", candidates=candidates, deadline=0.0), whole, arrival_of(http)
    )
    data = [
        {"index": hit.index, "object": "score", "score": shown}
        for hit, shown in zip(whole.hits, shown_scores(whole.hits), strict=True)
    ]
    content = {
        "id": f"score-{uuid.uuid4().hex}",
        "object": "list",
        "created": int(time.time()),
        "model": service.info.model,
        "data": data,
        "usage": {"prompt_tokens": whole.tokens, "total_tokens": whole.tokens, "completion_tokens": 0},
    }
    return answer(content, whole)


def _by_query(pairs: list[tuple[str, str]]) -> list[tuple[str, list[Candidate]]]:
    """The pairs by their first text; a candidate's id is its pair's place."""
    by_query: dict[str, list[Candidate]] = defaultdict(list)
    for index, (query, passage) in enumerate(pairs):
        by_query[query].append(Candidate(str(index), passage))
    return list(by_query.items())


def _joined(rankings: list[Ranking], pairs: int) -> Ranking:
    """All rankings as one, in input order."""
    hits = sorted(
        (RankedHit(hit.id, int(hit.id), hit.score, hit.logit, None) for one in rankings for hit in one.hits),
        key=lambda hit: hit.index,
    )
    scored = sum(hit.scored for hit in hits)
    outcome = Outcome.COMPLETE if scored == pairs else Outcome.PARTIAL if scored else Outcome.PASSTHROUGH
    reason = next((one.reason for one in rankings if one.reason), None)
    return Ranking(tuple(hits), outcome, reason, sum(one.tokens for one in rankings))
