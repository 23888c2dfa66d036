"""`/v1/rerank` and `/v2/rerank`: the shapes of Cohere, Jina, vLLM and Voyage, which differ in names only."""

from __future__ import annotations

import json
import math
import re
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from jrerank.domain import Candidate, RankedHit, Ranking
from jrerank.doors.http.context import TimeoutMs, caller_of, service_of
from jrerank.doors.http.errors_openapi import cohere_errors
from jrerank.doors.http.routing import CohereRoute
from jrerank.doors.http.run import answer, rerank
from jrerank.doors.http.scores import shown_scores
from jrerank.doors.intake import Options
from jrerank.errors import InvalidInput

_DOCUMENTS_PER_SEARCH_UNIT = 100
_VOYAGE_MODEL = re.compile(r"rerank-(lite-)?\d")  # Cohere's are rerank-v3.5, rerank-multilingual-v3.0
Count = Annotated[int, Field(ge=1, le=10**9)]
Document = str | dict[str, JsonValue]
router = APIRouter(route_class=CohereRoute, tags=["rerank"], responses=cohere_errors)


class RerankBody(BaseModel):
    """What Cohere, Jina, vLLM and Voyage clients send. Fields that are not listed are ignored."""

    model_config = ConfigDict(extra="ignore")

    query: str
    documents: list[Document]
    model: Annotated[str | None, Field(description="accepted and ignored: the sidecar serves one model")] = (
        None
    )
    top_n: Count | None = None
    top_k: Annotated[Count | None, Field(description="Voyage's name for top_n")] = None
    return_documents: bool | None = None
    rank_fields: Annotated[
        list[str] | None, Field(description="of document objects; their texts are joined")
    ] = None
    max_tokens_per_doc: Count | None = None
    truncation: Annotated[bool | None, Field(description="Voyage: false refuses what is too long")] = None
    timeout_ms: TimeoutMs = None

    @property
    def speaks_voyage(self) -> bool:
        """Voyage's own client always says `truncation`; nobody else says that or `top_k`, or names such a model."""
        named = _VOYAGE_MODEL.match(self.model or "") is not None
        return named or self.truncation is not None or self.top_k is not None

    def texts(self) -> list[str]:
        """The documents as passages.

        Raises:
            InvalidInput: a document object lacks every field that is to be read.
        """
        return [
            document if isinstance(document, str) else _text(document, self.rank_fields or ["text"], index)
            for index, document in enumerate(self.documents)
        ]


class DocumentEcho(BaseModel):
    """The document as it was sent; a string comes back as `text`."""

    model_config = ConfigDict(extra="allow")


class RerankResult(BaseModel):
    """`index` is the document's place in the request, from 0."""

    index: int
    relevance_score: float
    document: DocumentEcho | str | None = None


class RerankAnswer(BaseModel):
    """Everything that these clients look for: `results`, or Voyage's `data`, and the usage in each one's keys."""

    id: str
    object: str
    model: str
    results: list[RerankResult] | None = None
    data: list[RerankResult] | None = None
    meta: dict[str, Any]
    usage: dict[str, int]


@router.post("/v1/rerank", response_model=RerankAnswer)
async def rerank_v1(body: RerankBody, http: Request) -> Response:
    """Rerank documents: Cohere v1, Jina, vLLM and Voyage clients."""
    return await answer_cohere(body, http, "1")


@router.post("/v2/rerank", response_model=RerankAnswer)
async def rerank_v2(body: RerankBody, http: Request) -> Response:
    """Rerank documents: Cohere v2 clients."""
    return await answer_cohere(body, http, "2")


async def answer_cohere(body: RerankBody, http: Request, api_version: str) -> Response:
    """Rerank, and answer in the caller's variety of the shape."""
    service = service_of(http)
    candidates = [Candidate(str(index), text) for index, text in enumerate(body.texts())]
    options = Options(
        top_n=body.top_n or body.top_k,
        timeout_ms=body.timeout_ms,
        max_tokens_per_doc=body.max_tokens_per_doc,
        truncation="refuse" if body.truncation is False else "right",
    )
    request = service.intake.request(caller_of(http), body.query, candidates, options)
    ranking = await rerank(http, request, "rerank")
    return answer(_content(body, ranking, service.info.model, api_version), ranking)


def _content(body: RerankBody, ranking: Ranking, model: str, api_version: str) -> dict[str, object]:
    results = [
        _result(body, hit, score) for hit, score in zip(ranking.hits, shown_scores(ranking.hits), strict=True)
    ]
    units = max(1, math.ceil(len(body.documents) / _DOCUMENTS_PER_SEARCH_UNIT))
    return {
        "id": str(uuid.uuid4()),
        "object": "list",
        "model": model,
        "data" if body.speaks_voyage else "results": results,
        "meta": {"api_version": {"version": api_version}, "billed_units": {"search_units": units}},
        "usage": {"prompt_tokens": ranking.tokens, "total_tokens": ranking.tokens},
    }


def _result(body: RerankBody, hit: RankedHit, score: float) -> dict[str, object]:
    result: dict[str, object] = {"index": hit.index, "relevance_score": score}
    if body.return_documents:
        document = body.documents[hit.index]
        bare = body.speaks_voyage or isinstance(document, dict)
        result["document"] = document if bare else {"text": document}
    return result


def _text(document: dict[str, JsonValue], fields: list[str], index: int) -> str:
    values = [document[field] for field in fields if document.get(field) is not None]
    if not values:
        raise InvalidInput(
            f"documents.{index} has none of the fields {', '.join(fields)}; name the ones to read in rank_fields",
            field=f"documents.{index}",
        )
    return "\n".join(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values
    )
