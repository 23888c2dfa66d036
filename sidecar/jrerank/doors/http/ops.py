"""`/health`, `/ready`, `/info`, `/metrics`: for orchestrators and people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from jrerank.doors.http.context import service_of
from jrerank.doors.http.errors_openapi import NativeError
from jrerank.doors.http.routing import DialectRoute, OpenRoute

_NEEDS_KEY: dict[int | str, dict[str, Any]] = {
    401: {"model": NativeError, "description": "No API key, or a wrong one."}
}
open_router = APIRouter(route_class=OpenRoute, tags=["operations"])
router = APIRouter(route_class=DialectRoute, tags=["operations"], responses=_NEEDS_KEY)


class Health(BaseModel):
    """`ok`: the process answers."""

    status: str


class Readiness(BaseModel):
    """`ready`; `degraded` when a store does not answer: requests that bring their texts are served all the same; `unavailable`
    when nothing would be scored."""

    status: str
    stores: dict[str, str]


class Info(BaseModel):
    """What serves."""

    version: str
    model_id: str
    fingerprint: str
    precision: str
    engine: str
    workers: int
    max_tokens: int
    timeout_ms: float
    max_body_bytes: int
    max_documents: int
    max_query_chars: int
    max_passage_chars: int


# Some load balancers ask for the head alone
@open_router.head("/health", include_in_schema=False)
@open_router.get("/health")
async def health() -> Health:
    """Whether the process lives."""
    return Health(status="ok")


@open_router.head("/ready", include_in_schema=False)
@open_router.get("/ready", responses={503: {"model": Readiness, "description": "Nothing would be scored."}})
async def ready(http: Request) -> Response:
    """Whether requests would be answered, and how the stores are."""
    state = await service_of(http).readiness.state()
    return JSONResponse({"status": state.status, "stores": dict(state.stores)}, 200 if state.serves else 503)


@router.get("/info")
async def info(http: Request) -> Info:
    """The model, how it is run, and the limits."""
    service = service_of(http)
    of, limits = service.info, service.limits
    return Info(
        version=of.version,
        model_id=of.model,
        fingerprint=of.fingerprint,
        precision=of.precision,
        engine=of.engine,
        workers=of.workers,
        max_tokens=of.max_tokens,
        timeout_ms=service.timeout_ms,
        max_body_bytes=limits.body_bytes,
        max_documents=limits.documents,
        max_query_chars=limits.query_chars,
        max_passage_chars=limits.passage_chars,
    )


@router.get("/metrics", response_class=Response, responses={200: {"content": {CONTENT_TYPE_LATEST: {}}}})
async def metrics(http: Request) -> Response:
    """Prometheus metrics."""
    return Response(service_of(http).metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
