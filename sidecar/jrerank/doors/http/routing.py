"""How a route of ours differs from FastAPI's: a bounded body, an answer to every error, in the shape the caller knows."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from jrerank.doors.http.auth import authorize
from jrerank.doors.http.body import BoundedRequest
from jrerank.doors.http.context import service_of
from jrerank.doors.http.error_shapes import ErrorShape, native
from jrerank.doors.http.faults import Fault, described, error_response, fault_of
from jrerank.doors.http.origin import check_origin
from jrerank.errors import Abandoned, JrerankError
from jrerank.telemetry import logger

_LOG = logger(__name__)
NOT_JSON = Fault("not_json", "send the body as JSON, with the header content-type: application/json")
_CLIENT_CLOSED_REQUEST = 499  # nginx's: nobody reads it, and traces tell it from an answer
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Route(APIRoute):
    """A route that needs a key and answers errors in our own shape. `door` is its label in metrics and logs."""

    needs_key = True
    door = "operations"

    def spoken(self, request: Request) -> tuple[str, ErrorShape]:
        """The door, and the shape of the errors that the caller knows."""
        return self.door, native

    def reads(self, request: BoundedRequest) -> bool:
        """Whether the body is declared as something that the route reads."""
        return request.says_json()

    def get_route_handler(self) -> Handler:
        """Wrap the handler: errors become answers."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            bounded = BoundedRequest(request.scope, request.receive)
            try:
                if not self.needs_key:  # nor does anybody get memory for a body there
                    return await handle(bounded)
                authorize(bounded, service_of(bounded).keys)
                check_origin(bounded, service_of(bounded))
                with service_of(bounded).bodies.share() as share:
                    await bounded.read(share)
                    return await handle(bounded) if self.reads(bounded) else self._refuse(bounded, NOT_JSON)
            except Abandoned:  # counted where it was noticed
                return Response(status_code=_CLIENT_CLOSED_REQUEST)
            except JrerankError as error:
                return self._refuse(bounded, fault_of(error))
            except RequestValidationError as error:
                return self._refuse(bounded, validation_fault(error))
            except Exception:  # noqa: BLE001  also what nobody thought of is answered in the caller's dialect
                _LOG.exception("request_failed")
                return self._refuse(bounded, Fault("internal", "something went wrong; the log says what"))

        return answer

    def _refuse(self, request: Request, fault: Fault) -> Response:
        """Answer, count and log a request that gets no result. The message stays out of the log: it may quote the caller."""
        door, shape = self.spoken(request)
        service_of(request).metrics.refusals.labels(door, fault.kind).inc()
        _LOG.info(
            "refused", door=door, path=self.path, status=fault.status, kind=fault.kind, field=fault.field
        )
        return error_response(fault, shape)


class OpenRoute(Route):
    """A route that says nothing which needs a key: a load balancer has none."""

    needs_key = False


class HitsRoute(Route):
    """`/v1/hits`."""

    door = "hits"


class SearchRoute(Route):
    """The search door."""

    door = "search"


class LinesRoute(SearchRoute):
    """A route that reads JSON by the line."""

    def reads(self, request: BoundedRequest) -> bool:
        """Whether it says so, or, as engines take it, just JSON."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind == "application/x-ndjson" or request.says_json()


def validation_fault(error: RequestValidationError) -> Fault:
    """What is wrong with a body or a parameter."""
    if error.errors()[0]["type"] == "json_invalid":
        return Fault("invalid_json", f"the body is not JSON: {error.errors()[0]['ctx']['error']}")
    message, field = described([{**one, "loc": one["loc"][1:]} for one in error.errors()])
    return Fault("invalid_input", message, field)
