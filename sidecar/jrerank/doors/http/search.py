"""`POST /v1/search/{store}`: a search engine's own searches, reranked; `connectors/search-door.md` says how."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from jrerank.doors.http.context import caller_of, service_of, share_of
from jrerank.doors.http.error_shapes import native
from jrerank.doors.http.multisearch import index_of, read_searches
from jrerank.doors.http.openapi import NO_STORE, errors_of
from jrerank.doors.http.routing import LinesRoute, SearchRoute
from jrerank.doors.http.run import OUTCOME_HEADER, json_response, while_there
from jrerank.doors.http.searching import Searching
from jrerank.doors.search.options import SearchBody
from jrerank.errors import UnknownStore
from jrerank.json_reader.text import WHOLE_BYTES
from jrerank.stores.search import EngineReply

_ERRORS: dict[int | str, dict[str, Any]] = (
    errors_of(native, lambda _: {"error": {}, "status": 400})
    | NO_STORE
    | {"default": {"description": "The search engine's own answer, as it came."}}
)
router = APIRouter(route_class=SearchRoute, tags=["search"], responses=_ERRORS)
lines_router = APIRouter(route_class=LinesRoute, tags=["search"], responses=_ERRORS)
_LINES = {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}, "required": True}
_NAMED = "one or several of the store's indexes, comma-separated; all by default"


class MultiSearchParameters(BaseModel):
    """What of the engine's own URL parameters is passed on for a multi-search."""

    model_config = ConfigDict(extra="forbid")

    ccs_minimize_roundtrips: str | None = None
    max_concurrent_searches: str | None = None
    max_concurrent_shard_requests: str | None = None
    pre_filter_shard_size: str | None = None
    rest_total_hits_as_int: str | None = None
    search_type: str | None = None
    typed_keys: str | None = None


class SearchParameters(BaseModel):
    """What of the engine's own URL parameters is passed on; what a body can say is said there."""

    model_config = ConfigDict(extra="forbid")

    index: Annotated[str | None, Field(description=_NAMED)] = None
    allow_no_indices: str | None = None
    allow_partial_search_results: str | None = None
    batched_reduce_size: str | None = None
    cancel_after_time_interval: str | None = None
    ccs_minimize_roundtrips: str | None = None
    expand_wildcards: str | None = None
    ignore_throttled: str | None = None
    ignore_unavailable: str | None = None
    max_concurrent_shard_requests: str | None = None
    pre_filter_shard_size: str | None = None
    preference: str | None = None
    request_cache: str | None = None
    rest_total_hits_as_int: str | None = None
    routing: str | None = None
    scroll: Annotated[str | None, Field(description="later pages are the engine's own")] = None
    search_pipeline: str | None = None
    search_type: str | None = None
    track_total_hits: str | None = None
    typed_keys: str | None = None


class SearchAnswer(BaseModel):
    """The engine's own response; `ext.jrerank` says what became of reranking."""

    model_config = ConfigDict(extra="allow")

    ext: dict[str, Any]


class MultiSearchAnswer(BaseModel):
    """The engine's own response; each of `responses` is that of one search."""

    model_config = ConfigDict(extra="allow")

    responses: list[dict[str, Any]]


@router.post("/v1/search/{store}", response_model=SearchAnswer)
async def search(
    store: str, body: SearchBody, parameters: Annotated[SearchParameters, Query()], http: Request
) -> Response:
    """Search the store's engine with a body of its own dialect, and rerank the hits as the body's `rerank` says."""
    searching = _searching(store, http)
    index = index_of(parameters.index, searching.engine.indexes, "index")
    passed_on = parameters.model_dump(exclude_none=True, exclude={"index"})
    reply = await while_there(http, SearchRoute.door, searching.one(index, body, passed_on))
    return await _response(http, reply)


@lines_router.post(
    "/v1/search/{store}/_msearch",
    response_model=MultiSearchAnswer,
    openapi_extra={"requestBody": _LINES},
)
async def multisearch(
    store: str, parameters: Annotated[MultiSearchParameters, Query()], http: Request
) -> Response:
    """Several searches at once: a line of header and a line of body for each."""
    searching, body = _searching(store, http), await http.body()
    is_large = len(body) > WHOLE_BYTES
    searches = await service_of(http).large.run_if(
        is_large, read_searches, body, searching.engine.indexes, share_of(http).take_values
    )
    passed_on = parameters.model_dump(exclude_none=True)
    reply = await while_there(http, SearchRoute.door, searching.many(searches, passed_on))
    return await _response(http, reply)


def _searching(store: str, http: Request) -> Searching:
    service = service_of(http)
    engine = service.searches.get(store)
    if engine is None:
        known = ", ".join(service.searches) or "none is open"
        raise UnknownStore(f"there is no store {store!r} to search ({known})", field="store")
    return Searching(service, engine, caller_of(http), share_of(http))


async def _response(http: Request, reply: EngineReply) -> Response:
    if isinstance(reply.body, str):
        return Response(reply.body.encode(), reply.status, media_type="text/plain")
    ext = reply.body.get("ext", {}) if isinstance(reply.body, dict) else {}
    marker = ext.get("jrerank") if isinstance(ext, dict) else None
    outcome = marker.get("outcome") if isinstance(marker, dict) else None
    headers = {OUTCOME_HEADER: outcome} if isinstance(outcome, str) else {}
    is_large = reply.size_bytes > WHOLE_BYTES
    return await json_response(http, lambda: reply.body, reply.status, headers, is_large=is_large)
