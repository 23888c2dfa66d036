"""`POST /v1/hits`: the native shape."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from jrerank.doors.http.context import caller_of, service_of
from jrerank.doors.http.errors_openapi import native_errors
from jrerank.doors.http.routing import DialectRoute
from jrerank.doors.http.run import answer, rerank
from jrerank.doors.native import HitsAnswer, HitsBody, hits_answer

router = APIRouter(route_class=DialectRoute, tags=["hits"], responses=native_errors)


@router.post("/v1/hits", response_model=HitsAnswer)
async def hits(body: HitsBody, http: Request) -> Response:
    """Rerank a hit list: ids, texts or a store's name, first-stage scores; the ids come back in their new order."""
    service, caller = service_of(http), caller_of(http)
    ranking = await rerank(http, body.to_request(service.intake, caller), "hits")
    return answer(hits_answer(ranking, service.info.model, caller.arrival), ranking)
