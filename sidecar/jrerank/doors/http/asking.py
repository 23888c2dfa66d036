"""What the HTTP routes ask of a request: its service, arrival, caller and timeout."""

from __future__ import annotations

import time
from typing import cast

from fastapi import Request

from jrerank.doors.service import Service
from jrerank.errors import InvalidInput

ENVOY_TIMEOUT = "x-envoy-expected-rq-timeout-ms"


def service_of(request: Request) -> Service:
    """The service that the app was made with."""
    return cast("Service", request.app.state.service)


def arrival_of(request: Request) -> float:
    """When the request's first byte was there, on the clock of `time.monotonic()`."""
    return cast("float", request.scope.get("jrerank.arrival", time.monotonic()))


def caller_of(request: Request) -> str:
    """Whom the scheduler is fair to: the API key's holder, else the address."""
    by_key = cast("str", request.scope.get("jrerank.caller", ""))
    return by_key or (request.client.host if request.client else "")


def timeout_ms_of(request: Request) -> float:
    """The proxy's timeout for this request, else the default.

    Raises:
        InvalidInput: the header is not a positive number.
    """
    header = request.headers.get(ENVOY_TIMEOUT)
    if header is None:
        return service_of(request).timeout_ms
    if not header.isascii() or not header.isdigit() or not int(header[:12]) > 0:
        raise InvalidInput(
            f"header {ENVOY_TIMEOUT} must be a positive number of milliseconds, not {header[:40]!r}",
            field=ENVOY_TIMEOUT,
        )
    return float(min(int(header[:12]), 86_400_000))
