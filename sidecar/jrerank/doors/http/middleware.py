"""What happens to every HTTP request: its arrival is noted, its log lines carry its ids."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jrerank.doors.http.answers import OUTCOME_HEADER
from jrerank.doors.http.bounded_http1 import ARRIVAL
from jrerank.telemetry import span

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,64})?")
QUEUE_HEADER = "x-jrerank-queue-seconds"
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class RequestContext:
    """Pure ASGI: a request that has not been read yet must be able to time out already."""

    def __init__(self, app: ASGIApp, queued_s: Callable[[], float] = lambda: 0.0) -> None:
        """`queued_s` is how many seconds of work are open: callers who are let in are told, and choose among several by it."""
        self._app = app
        self._queued_s = queued_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note when the request arrived, name it, and continue the caller's trace."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault(ARRIVAL, time.monotonic())
        # A redirect would cost a round trip, and many clients don't follow one with a body
        if scope["path"] != "/":
            scope["path"] = scope["path"].rstrip("/")
        headers = Headers(scope=scope)
        sent = headers.get("x-request-id", "")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex

        names = {"request_id": request_id}
        if _TRACEPARENT.fullmatch(trace := headers.get("traceparent", "")):
            names["traceparent"] = trace
        with (
            structlog.contextvars.bound_contextvars(**names),
            span(f"{scope['method']} {scope['path']}", _texts(scope)) as attributes,
        ):

            async def send_named(message: Message) -> None:
                if message["type"] == "http.response.start":
                    answer = MutableHeaders(scope=message)
                    answer["x-request-id"] = request_id
                    if scope.get("jrerank.authorized"):
                        answer[QUEUE_HEADER] = f"{self._queued_s():.3f}"
                    attributes["http.response.status_code"] = message["status"]
                    attributes["jrerank.outcome"] = answer.get(OUTCOME_HEADER, "none")
                await send(message)

            await self._app(scope, receive, send_named)


def _texts(scope: Scope) -> dict[str, str]:
    """The headers as a dict: `dict(Headers)` would look each of them up among all."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
