"""An error in the shape of the dialect that was spoken, and the status of each kind of error."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import JSONResponse

from jrerank.errors import InvalidInput, JrerankError, Unavailable

_STATUSES = {
    "invalid_json": 400,
    "not_authorized": 401,
    "not_found": 404,
    "unknown_store": 404,
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

    @property
    def status(self) -> int:
        """What HTTP calls its kind."""
        return _STATUSES.get(self.kind, 500)


Dialect = Callable[[Fault], dict[str, object]]


def native(fault: Fault) -> dict[str, object]:
    """`{"error": {"type", "message", "field"}}`: ours, and near enough to OpenAI's for clients of either."""
    return {"error": {"type": fault.kind, "message": fault.message, "field": fault.field}}


def cohere(fault: Fault) -> dict[str, object]:
    """`{"message"}`; Jina's and Voyage's clients look for `detail`."""
    return {"message": fault.message, "detail": fault.message}


def tei(fault: Fault) -> dict[str, object]:
    """text-embeddings-inference's `{"error", "error_type"}`."""
    kinds = {429: "Overloaded", 503: "Unhealthy"}
    default = "Validation" if fault.status < 500 else "Backend"
    return {"error": fault.message, "error_type": kinds.get(fault.status, default)}


def openai(fault: Fault) -> dict[str, object]:
    """OpenAI's, as vLLM sends it."""
    kind = _OPENAI_KINDS.get(fault.status, "BadRequestError" if fault.status < 500 else "InternalServerError")
    return {"error": {"message": fault.message, "type": kind, "param": fault.field, "code": fault.status}}


def fault_of(error: JrerankError) -> Fault:
    """An error as it goes out."""
    field = error.field if isinstance(error, InvalidInput) else None
    retry = error.retry_after_s if isinstance(error, Unavailable) else None
    return Fault(error.kind, str(error), field, retry)


def error_response(fault: Fault, dialect: Dialect) -> JSONResponse:
    """The answer; a fault that passes says when to come back."""
    headers = {}
    if fault.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(fault.retry_after_s)))
    if fault.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(dialect(fault), fault.status, headers)


_OPENAI_KINDS = {
    401: "AuthenticationError",
    404: "NotFoundError",
    429: "RateLimitError",
    503: "ServiceUnavailableError",
}
