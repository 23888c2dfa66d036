"""Probes of load balancers are answered before routes are matched: whoever may ask without a key must cost little."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from jrerank.doors.http.context import service_in
from jrerank.doors.http.error_shapes import native
from jrerank.doors.http.faults import Fault, error_response
from jrerank.telemetry import logger

_LOG = logger(__name__)

Answer = Callable[[Scope], Awaitable[JSONResponse]]


class Probes:
    """Pure ASGI. To match routes takes FastAPI more than twice as long as all the rest of such an answer.

    The same paths have routes, for other methods and for the OpenAPI document.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a probe; anything else is the application's."""
        answer = _ANSWERS.get(scope["path"]) if scope["type"] == "http" else None
        if answer is None or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        try:
            response = await answer(scope)
        except Exception:  # noqa: BLE001  as a route answers it
            _LOG.exception("request_failed")
            response = error_response(Fault("internal", "something went wrong; the log says what"), native)
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)


async def health(_: Scope) -> JSONResponse:
    """Whether the process lives."""
    return JSONResponse({"status": "ok"})


async def ready(scope: Scope) -> JSONResponse:
    """Whether requests would be answered, and how the stores are."""
    state = await service_in(scope).readiness.state()
    return JSONResponse({"status": state.status, "stores": dict(state.stores)}, 200 if state.serves else 503)


_ANSWERS: Mapping[str, Answer] = {"/health": health, "/ping": health, "/ready": ready}
