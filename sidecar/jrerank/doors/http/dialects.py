"""An error in the shape of the dialect that was spoken, and the status that goes with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import JSONResponse

from jrerank.errors import (
    InputTooLong,
    InvalidInput,
    JrerankError,
    NotAuthorized,
    Overloaded,
    TooSlow,
    Unavailable,
    UnknownStore,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """An error on its way out."""

    status: int
    kind: str
    message: str
    field: str | None = None
    retry_after_s: float | None = None


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
    """Status and kind of an error; the most special class decides."""
    status, kind = next(
        ((status, kind) for cls, status, kind in _STATUSES if isinstance(error, cls)), (503, "unavailable")
    )
    field = error.field if isinstance(error, InvalidInput) else None
    retry = error.retry_after_s if isinstance(error, Unavailable) else None
    return Fault(status, kind, str(error), field, retry)


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
_STATUSES: tuple[tuple[type[JrerankError], int, str], ...] = (
    (UnknownStore, 404, "unknown_store"),
    (InputTooLong, 413, "too_large"),
    (InvalidInput, 422, "invalid_input"),
    (NotAuthorized, 401, "not_authorized"),
    (TooSlow, 408, "too_slow"),
    (Overloaded, 429, "overloaded"),
    (Unavailable, 503, "unavailable"),
)
