"""Errors on their way out: the status of each kind, and what a validation error means to the caller."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

from jrerank.errors import InvalidInput, JrerankError, Unavailable

_CHOICES = {"str", "bool", "int"}
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

    @property
    def status(self) -> int:
        """What HTTP calls its kind."""
        return _STATUSES.get(self.kind, 500)


def fault_of(error: JrerankError) -> Fault:
    """An error as it goes out."""
    field = error.field if isinstance(error, InvalidInput) else None
    retry = error.retry_after_s if isinstance(error, Unavailable) else None
    return Fault(error.kind, str(error), field, retry)


def error_response(fault: Fault, shape: Callable[[Fault], dict[str, object]]) -> JSONResponse:
    """The answer; a fault that passes says when to come back."""
    headers = {}
    if fault.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(fault.retry_after_s)))
    if fault.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(shape(fault), fault.status, headers)


def described(errors: Sequence[Mapping[str, Any]], place: str = "") -> tuple[str, str]:
    """What is wrong, and where, by the name the caller gave it: of several mistakes the one that lies deepest tells most.

    Args:
        errors: pydantic's.
        place: where the value stands that they are of.
    """
    wrong = max(errors, key=lambda one: len(one["loc"]))
    inner = [str(part) for part in wrong["loc"] if not _names_a_choice(part)]
    field = ".".join([*([place] if place else []), *inner]) or "body"
    return f"{field}: {wrong['msg']}{_shown(wrong.get('input'))}", field


def _names_a_choice(part: object) -> bool:
    """Where a field may have one of several shapes, pydantic names the one that it tried: nothing the caller wrote."""
    return isinstance(part, str) and (part in _CHOICES or "[" in part)


def _shown(value: object) -> str:
    """A short value helps to find the mistake; a passage or a whole body does not belong into an error."""
    return f" (got {value!r})" if isinstance(value, (int, float, bool)) or value is None else ""
