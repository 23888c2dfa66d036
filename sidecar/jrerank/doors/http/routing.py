"""How a route of ours differs from FastAPI's: a bounded body, an answer to every error, in the shape the caller knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from jrerank.doors.columns import columns_body
from jrerank.doors.http.auth import authorize
from jrerank.doors.http.body import BoundedRequest
from jrerank.doors.http.context import (
    caller_of,
    disown,
    has_gone,
    is_closed,
    name_of_caller,
    own,
    proxy_timeout_ms,
    service_in,
    service_of,
    share_of,
)
from jrerank.doors.http.error_shapes import ErrorShape, engine, native
from jrerank.doors.http.faults import Fault, error_response, fault_of
from jrerank.doors.http.hang_ups import while_there
from jrerank.doors.http.origin import check_origin
from jrerank.doors.intake import Limits
from jrerank.doors.native import hits_body
from jrerank.doors.outline import named_timeout_ms, outline_of, refuse_early
from jrerank.doors.validation import described
from jrerank.errors import Abandoned, JrerankError, NotAuthorized, Overloaded
from jrerank.fairness.caller import on_behalf_of
from jrerank.stores.replies import counted_by
from jrerank.telemetry import logger

_LOG = logger(__name__)
NOT_JSON = Fault("not_json", "send the body as JSON, with the header content-type: application/json")
# No timeout is worth a look at the body before
_SOON_S = 0.05
_CLIENT_CLOSED_REQUEST = 499  # nginx's: nobody reads it, and traces tell it from an answer
_LINES = {"application/x-ndjson", "application/vnd.elasticsearch+x-ndjson"}
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Route(APIRoute):
    """A route that needs a key and answers errors in our own shape. `door` is its label in metrics and logs."""

    needs_key = True
    has_timeout = False  # that stands at the top of the body
    door = "operations"

    def spoken(self, request: Request) -> tuple[str, ErrorShape]:
        """The door, and the shape of the errors that the caller knows."""
        return self.door, native

    def reads(self, request: BoundedRequest) -> bool:
        """Whether the body is declared as something that the route reads."""
        return request.says_json()

    async def parse(self, request: BoundedRequest) -> None:
        """Parse the body.

        Raises:
            JrerankError: see `BoundedRequest.parse`.
        """
        await request.parse(lambda value: value)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what the request holds in memory counts until its answer is out."""
        if not self.needs_key:
            await super().handle(scope, receive, send)
            return
        with _share_in(scope):
            await super().handle(scope, receive, send)

    def get_route_handler(self) -> Handler:
        """Wrap the handler: errors become answers."""
        handle = self.handler()

        async def answer(request: Request) -> Response:
            return await self._answered(BoundedRequest(request.scope, request.receive), handle)

        return answer

    def handler(self) -> Handler:
        """What makes an answer of a request whose body has been parsed."""
        return super().get_route_handler()

    async def _answered(self, request: BoundedRequest, handle: Handler) -> Response:
        try:
            return await self._handled(request, handle)
        except Abandoned:  # which has been counted
            return Response(status_code=_CLIENT_CLOSED_REQUEST)
        except JrerankError as error:
            return self._refuse(request, fault_of(error))
        except RequestValidationError as error:
            return self._refuse(request, validation_fault(error))
        except Exception:  # noqa: BLE001  also what nobody thought of is answered in the caller's dialect
            _LOG.exception("request_failed")
            return self._refuse(request, Fault("internal", "something went wrong; the log says what"))

    async def _handled(self, request: BoundedRequest, handle: Handler) -> Response:
        if not self.needs_key:  # nor does anybody get memory for a body there
            return await handle(request)
        try:
            authorize(request, service_of(request).keys)
        except NotAuthorized:
            disown(request)
            raise
        check_origin(request, service_of(request))
        caller = name_of_caller(request)
        share_of(request).caller = caller
        own(request, caller)
        with on_behalf_of(caller):
            return await self._read_and_handled(request, handle)

    async def _read_and_handled(self, request: BoundedRequest, handle: Handler) -> Response:
        try:
            await request.read()
            if not self.reads(request):
                return self._refuse(request, NOT_JSON)
            await self._take_turn(request)
            return await while_there(request, self._parsed_and_handled(request, handle))
        except (Abandoned, ClientDisconnect):
            # That is no fault, and a line of log for each would cost more than the request did
            service_of(request).metrics.requests.labels(self.spoken(request)[0], "abandoned").inc()
            raise Abandoned from None

    async def _take_turn(self, request: BoundedRequest) -> None:
        """Wait until a body may be parsed, if there still is somebody who waits for the answer."""
        if not await request.body():
            return
        turns, body_came_at = service_of(request).turns, time.monotonic()
        await turns.new(partial(is_closed, request), name_of_caller(request))
        if await has_gone(request):
            raise Abandoned
        if self.has_timeout and turns.are_awaited:
            await _check_time_is_left(request, time.monotonic() - body_came_at)

    async def _parsed_and_handled(self, request: BoundedRequest, handle: Handler) -> Response:
        """Both while somebody is there: a large body may have to wait for others' large bodies."""
        await self.parse(request)
        return await handle(request)

    def _refuse(self, request: Request, fault: Fault) -> Response:
        """Answer, count and log a request that gets no result. The message stays out of the log: it may quote the caller."""
        door, shape = self.spoken(request)
        service_of(request).metrics.refusals.labels(door, fault.kind).inc()
        if (count := service_of(request).refusals.due(fault.kind)) is not None:
            _LOG.info(
                "refused",
                door=door,
                path=self.path,
                status=fault.status,
                kind=fault.kind,
                field=fault.field,
                count=count,
            )
        return error_response(fault, shape)


class OpenRoute(Route):
    """A route that says nothing which needs a key: a load balancer has none."""

    needs_key = False


class DirectRoute(Route):
    """A route that `DirectPaths` may call: its endpoint gets nothing that FastAPI would have to make."""

    def handler(self) -> Handler:
        """Call the endpoint, however the request has come here."""
        return self.call

    async def answer_directly(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As `handle` does."""
        with _share_in(scope):
            response = await self._answered(BoundedRequest(scope, receive), self.call)
            await response(scope, receive, send)

    async def call(self, request: Request) -> Response:
        """Call the endpoint, which takes the request."""
        response: Response = await self.endpoint(request)
        return response


class _NativeRoute(DirectRoute):
    """Its endpoint takes what the body was parsed to."""

    has_timeout = True

    async def call(self, request: Request) -> Response:
        """Call the endpoint.

        Raises:
            RequestValidationError: there is no body, as FastAPI has it.
        """
        body = await request.json()
        if body is None:
            raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "Field required"}])
        response: Response = await self.endpoint(body, request)
        return response


class HitsRoute(_NativeRoute):
    """`/v1/hits`."""

    door = "hits"

    async def parse(self, request: BoundedRequest) -> None:
        """Parse and check the body."""
        await request.parse(partial(_native, request, hits_body))


class ColumnsRoute(_NativeRoute):
    """`/v1/columns`."""

    door = "columns"

    async def parse(self, request: BoundedRequest) -> None:
        """Parse and check the body."""
        await request.parse(partial(_native, request, columns_body))


class SearchRoute(Route):
    """The search door, whose callers may be an engine's own clients."""

    door = "search"

    def spoken(self, request: Request) -> tuple[str, ErrorShape]:
        """Errors are in the engine's shape, with what ours has."""
        return self.door, engine


class LinesRoute(SearchRoute):
    """A route that reads JSON by the line."""

    def reads(self, request: BoundedRequest) -> bool:
        """Whether it says so, or, as engines take it, just JSON."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind in _LINES or request.says_json()

    async def parse(self, request: BoundedRequest) -> None:
        """The lines are parsed one by one."""


@contextmanager
def _share_in(scope: Scope) -> Iterator[None]:
    with service_in(scope).bodies.share() as share, counted_by(share.take_text):
        scope["jrerank.share"] = share
        yield


async def _check_time_is_left(request: BoundedRequest, waited_s: float) -> None:
    """Where so many come at once that waiting for a turn took all of a request's time, it is not even parsed: those behind it gain.

    What came before that wait is the caller's own: after a slow upload the hits come back in their old order.

    Args:
        request: its body is whole.
        waited_s: from then to its turn.

    Raises:
        InvalidInput: see `proxy_timeout_ms`.
        Overloaded: its time is up.
    """
    if waited_s < _SOON_S:
        return
    timeout_ms = named_timeout_ms(await request.body()) or service_of(request).timeout_ms
    if waited_s * 1000 > min(timeout_ms, proxy_timeout_ms(request)):
        raise Overloaded("so many requests came before this one that its time was up", retry_after_s=waited_s)


def _native(request: Request, read: Callable[[Any, Limits], BaseModel], value: Any) -> BaseModel:
    service = service_of(request)
    refuse_early(service, outline_of(value), caller_of(request))
    return read(value, service.limits)


def validation_fault(error: RequestValidationError) -> Fault:
    """What is wrong with a body or a parameter."""
    message, field = described([{**one, "loc": one["loc"][1:]} for one in error.errors()])
    return Fault("invalid_input", message, field)
