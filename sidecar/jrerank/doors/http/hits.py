"""`POST /v1/hits` and `/v1/columns`: the native shape, by hits and by columns."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response

from jrerank.doors.columns import ColumnsAnswer, ColumnsBody, columns_answer, least_of
from jrerank.doors.http.answers import answer
from jrerank.doors.http.context import caller_of, service_of, share_of
from jrerank.doors.http.error_shapes import native
from jrerank.doors.http.large_bodies import beside_if
from jrerank.doors.http.openapi import NO_STORE, errors_of
from jrerank.doors.http.routing import ColumnsRoute, HitsRoute
from jrerank.doors.native import HitsAnswer, HitsBody, hits_answer
from jrerank.large_work import MANY_DOCUMENTS

_RESPONSES = errors_of(native) | NO_STORE
router = APIRouter(route_class=HitsRoute, tags=["hits"], responses=_RESPONSES)
columns_router = APIRouter(route_class=ColumnsRoute, tags=["hits"], responses=_RESPONSES)


@router.post("/v1/hits", response_model=HitsAnswer)
async def hits(body: HitsBody, http: Request) -> Response:
    """Rerank a hit list: ids, texts or a store's name, first-stage scores; the ids come back in their new order."""
    service, caller = service_of(http), caller_of(http)
    share_of(http).take_documents(body.documents)
    is_large = body.documents > MANY_DOCUMENTS
    to_request = partial(body.to_request, service.intake, caller)
    request = await beside_if(is_large, http, to_request, body.timeout_ms)
    ranking = await service.reranker.rerank(request)
    service.note(HitsRoute.door, len(request.candidates), ranking, caller.arrival)
    return await answer(http, partial(hits_answer, ranking, service.info.model, caller.arrival), ranking)


@columns_router.post("/v1/columns", response_model=ColumnsAnswer)
async def columns(body: ColumnsBody, http: Request) -> Response:
    """Rerank one list of passages for several queries, an array for each field. The headers tell of the query that fared worst."""
    service, caller = service_of(http), caller_of(http)
    pairs = len(body.queries) * body.size
    share_of(http).take_documents(pairs)
    is_large = pairs > MANY_DOCUMENTS
    to_requests = partial(body.to_requests, service.intake, caller)
    requests = await beside_if(is_large, http, to_requests, body.timeout_ms)
    rankings = await service.reranker.rerank_all(requests)
    for ranking in rankings:
        service.note(ColumnsRoute.door, body.size, ranking, caller.arrival)
    write = partial(columns_answer, rankings, service.info.model, caller.arrival)
    return await answer(http, write, least_of(rankings))
