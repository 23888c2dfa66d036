"""What an HTTP request brings beside its body: the service, who asks, since when, and for how long they wait."""

from __future__ import annotations

import math
import time
from typing import cast

from fastapi import Request
from starlette.types import Scope

from jrerank.doors.bodies import Share
from jrerank.doors.http.bounded_http1 import ARRIVAL, IS_CLOSED, OWNER
from jrerank.doors.intake import Caller
from jrerank.doors.service import Service
from jrerank.errors import InvalidInput
from jrerank.fairness.caller import Owner

ENVOY_TIMEOUT = "x-envoy-expected-rq-timeout-ms"


def service_of(request: Request) -> Service:
    """The service that the app was made with."""
    return service_in(request.scope)


def service_in(scope: Scope) -> Service:
    """The same, by the scope of a request."""
    return cast("Service", scope["app"].state.service)


def share_of(request: Request) -> Share:
    """What the request holds of the memory that all bodies share."""
    return cast("Share", request.scope["jrerank.share"])


def is_closed(request: Request) -> bool:
    """Whether the client is known to have hung up. Our protocol knows at once."""
    says_closed = request.scope.get(IS_CLOSED)
    return says_closed is not None and bool(says_closed())


async def has_gone(request: Request) -> bool:
    """Whether the client has hung up. To ask another protocol than ours costs a tenth of a small request."""
    return is_closed(request) if IS_CLOSED in request.scope else await request.is_disconnected()


def arrival_of(request: Request) -> float:
    """When the request's head was there and no answer in front of its own was due any more, on the clock of `time.monotonic()`."""
    return cast("float", request.scope.get(ARRIVAL, time.monotonic()))


def caller_of(request: Request) -> Caller:
    """The API key's holder, else the address.

    Raises:
        InvalidInput: the proxy's header is not a positive number.
    """
    return Caller(name_of_caller(request), arrival_of(request), proxy_timeout_ms(request))


def name_of_caller(request: Request) -> str:
    """Whom to be fair to."""
    by_key = cast("str", request.scope.get("jrerank.caller", ""))
    return by_key or (request.client.host if request.client else "")


def own(request: Request, caller: str) -> None:
    """Let the connection be the caller's: what comes on it next is theirs before its key has been looked at."""
    owner: Owner | None = request.scope.get(OWNER)
    if owner is not None:
        owner.know(caller)


def disown(request: Request) -> None:
    """Let the connection be a stranger's again."""
    owner: Owner | None = request.scope.get(OWNER)
    if owner is not None:
        owner.forget()


def proxy_timeout_ms(request: Request) -> float:
    """How long the proxy in front will wait, without end where it does not say.

    Raises:
        InvalidInput: the header is not a positive number.
    """
    header = request.headers.get(ENVOY_TIMEOUT)
    if header is None:
        return math.inf
    if not header.isascii() or not header.isdigit() or not int(header[:12]) > 0:
        raise InvalidInput(
            f"header {ENVOY_TIMEOUT} must be a positive number of milliseconds, not {header[:40]!r}",
            field=ENVOY_TIMEOUT,
        )
    return float(header[:12])
