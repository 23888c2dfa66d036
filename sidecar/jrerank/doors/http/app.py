"""The HTTP door as one application."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse

from jrerank.doors.http import docs, engine_door, hits, ops, search
from jrerank.doors.http.direct_paths import DirectPaths
from jrerank.doors.http.error_shapes import no_route
from jrerank.doors.http.faults import Fault, error_response
from jrerank.doors.http.middleware import RequestContext
from jrerank.doors.http.probes import Probes
from jrerank.doors.http.rerank import make_router
from jrerank.doors.http.routing import DirectRoute
from jrerank.doors.search.sealed_ids import IdSeal
from jrerank.doors.service import Service


def make_app(service: Service) -> FastAPI:
    """Every route over one service."""
    app = FastAPI(
        title="jrerank",
        version=service.info.version,
        description="Reranks hit lists with a Japanese cross-encoder, within a deadline.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.state.seals = {store: IdSeal(store, service.keys) for store in service.searches}
    reranking = (hits.router, hits.columns_router, make_router())
    for router in (*reranking, ops.open_router, ops.router):
        app.include_router(router)
    for router in (search.router, search.lines_router, engine_door.router):
        app.include_router(router)
    app.include_router(docs.router)
    direct = [route for router in reranking for route in router.routes if isinstance(route, DirectRoute)]
    app.add_middleware(DirectPaths, routes=direct)
    app.add_middleware(Probes)
    if service.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=service.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=[
                "x-jrerank-outcome",
                "x-jrerank-queue-seconds",
                "x-jrerank-reason",
                "x-jrerank-second-read",
                "x-jrerank-truncated",
                "x-request-id",
                "retry-after",
            ],
        )
    app.add_middleware(RequestContext, queued_s=service.queued_s)
    app.add_exception_handler(HTTPException, _no_route)
    return app


async def _no_route(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  it is registered for nothing else
    kind = {404: "not_found", 405: "method_not_allowed", 400: "invalid_json"}.get(
        error.status_code, "internal"
    )
    response = error_response(Fault(kind, str(error.detail)), no_route)
    response.headers.update(error.headers or {})
    return response
