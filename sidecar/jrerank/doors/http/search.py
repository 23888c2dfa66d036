"""`POST /v1/search/{store}`: a search engine's own searches, reranked; `connectors/search-door.md` says how."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from jrerank.doors.http.engine_answers import engine_answer
from jrerank.doors.http.error_shapes import engine
from jrerank.doors.http.multisearch import index_of, read_searches
from jrerank.doors.http.openapi import NO_STORE, errors_of
from jrerank.doors.http.opening import lines_read, searching_of
from jrerank.doors.http.routing import LinesRoute, SearchRoute
from jrerank.doors.search.options import SearchBody
from jrerank.doors.search.url_parameters import MultiSearchParameters, SearchParameters

_ERRORS: dict[int | str, dict[str, Any]] = (
    errors_of(engine, lambda _: {"error": {}, "status": 400})
    | NO_STORE
    | {"default": {"description": "The search engine's own answer, as it came."}}
)
router = APIRouter(route_class=SearchRoute, tags=["search"], responses=_ERRORS)
lines_router = APIRouter(route_class=LinesRoute, tags=["search"], responses=_ERRORS)
_LINES = {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}, "required": True}


class SearchAnswer(BaseModel):
    """The engine's own response; `ext.jrerank` says what became of reranking. `filter_path` may leave any of it out."""

    model_config = ConfigDict(extra="allow")

    ext: dict[str, Any] = {}


class MultiSearchAnswer(BaseModel):
    """The engine's own response; each of `responses` is that of one search. `filter_path` may leave any of it out."""

    model_config = ConfigDict(extra="allow")

    responses: list[dict[str, Any]] = []


@router.post("/v1/search/{store}", response_model=SearchAnswer)
async def search(
    store: str, body: SearchBody, parameters: Annotated[SearchParameters, Query()], http: Request
) -> Response:
    """Search the store's engine with a body of its own dialect, and rerank the hits as the body's `rerank` says.

    The same address is the host for the engine's own clients, which search and read below it; nothing that writes is passed on.
    """
    searching = searching_of(http, store)
    index = index_of(parameters.index, searching.engine.indexes, "index")
    reply = await searching.one(index, body.with_parameters(parameters), parameters.for_engine())
    return await engine_answer(http, searching.engine, reply, parameters)


@lines_router.post(
    "/v1/search/{store}/_msearch",
    response_model=MultiSearchAnswer,
    openapi_extra={"requestBody": _LINES},
)
async def multisearch(
    store: str, parameters: Annotated[MultiSearchParameters, Query()], http: Request
) -> Response:
    """Several searches at once: a line of header and a line of body for each."""
    searching = searching_of(http, store)
    searches = await lines_read(http, read_searches, searching.engine.indexes)
    reply = await searching.many(searches, parameters.for_engine())
    return await engine_answer(http, searching.engine, reply, parameters)
