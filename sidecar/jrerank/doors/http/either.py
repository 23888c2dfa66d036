"""`/rerank`, which two dialects share: a body with `texts` is text-embeddings-inference's, any other Cohere's."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from pydantic import Discriminator, Tag

from jrerank.doors.http.cohere import RerankAnswer, RerankBody, answer_cohere
from jrerank.doors.http.errors_openapi import shared_errors
from jrerank.doors.http.routing import SharedRoute
from jrerank.doors.http.tei import TeiAnswer, TeiBody, answer_tei

router = APIRouter(route_class=SharedRoute, tags=["rerank"], responses=shared_errors)


def _dialect(body: Any) -> str:
    return "a body with texts" if isinstance(body, dict) and "texts" in body else "a body with documents"


EitherBody = Annotated[
    Annotated[RerankBody, Tag("a body with documents")] | Annotated[TeiBody, Tag("a body with texts")],
    Discriminator(_dialect),
    Body(),
]


@router.post("/rerank", response_model=RerankAnswer | TeiAnswer)
async def rerank_either(body: EitherBody, http: Request) -> Response:
    """Rerank `documents` (Cohere, Jina, vLLM, Voyage) or `texts` (text-embeddings-inference)."""
    if isinstance(body, TeiBody):
        return await answer_tei(body, http)
    return await answer_cohere(body, http, "1")
