"""Errors on their way out: the status of each kind, and what a validation error means to the caller."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import JSONResponse

from jrerank.errors import InvalidInput, JrerankError, MethodNotAllowed, Unavailable

_STATUSES = {
    "invalid_json": 400,
    "not_authorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "unknown_store": 404,
    "unknown_model": 404,
    "method_not_allowed": 405,
    "too_slow": 408,
    "too_large": 413,
    "not_json": 415,
    "invalid_input": 422,
    "overloaded": 429,
    "internal": 500,
    "unavailable": 503,
    "engine_error": 503,
    "store_error": 503,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """An error on its way out."""

    kind: str
    message: str
    field: str | None = None
    retry_after_s: float | None = None
    allowed: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """What HTTP calls its kind."""
        return _STATUSES.get(self.kind, 500)


def fault_of(error: JrerankError) -> Fault:
    """An error as it goes out."""
    field = error.field if isinstance(error, InvalidInput) else None
    retry = error.retry_after_s if isinstance(error, Unavailable) else None
    allowed = error.allowed if isinstance(error, MethodNotAllowed) else ()
    return Fault(error.kind, str(error), field, retry, allowed)


def error_response(fault: Fault, shape: Callable[[Fault], dict[str, object]]) -> JSONResponse:
    """The answer; a fault that passes says when to come back."""
    headers = {}
    if fault.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(fault.retry_after_s)))
    if fault.allowed:
        headers["Allow"] = ", ".join(fault.allowed)
    if fault.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(shape(fault), fault.status, headers)
