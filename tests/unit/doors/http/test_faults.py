"""Errors on their way out."""

from __future__ import annotations

import pytest

from jrerank.doors.http.error_shapes import cohere, native
from jrerank.doors.http.faults import Fault, error_response, fault_of
from jrerank.errors import (
    EngineError,
    InputTooLong,
    InvalidInput,
    JrerankError,
    NotAuthorized,
    NotJson,
    Overloaded,
    TooSlow,
    Unavailable,
    UnknownStore,
)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (InvalidInput("x", field="query"), 422, "invalid_input"),
        (NotJson("x"), 400, "invalid_json"),
        (InputTooLong("x", field="texts.1"), 413, "too_large"),
        (UnknownStore("x", field="store"), 404, "unknown_store"),
        (NotAuthorized(), 401, "not_authorized"),
        (TooSlow(), 408, "too_slow"),
        (Overloaded("x", retry_after_s=2.1), 429, "overloaded"),
        (Unavailable(), 503, "unavailable"),
        (EngineError("x"), 503, "engine_error"),
    ],
)
def test_every_kind_has_a_status(error: JrerankError, status: int, kind: str) -> None:
    fault = fault_of(error)
    assert (fault.status, fault.kind, fault.message) == (status, kind, str(error))
    assert fault.field == getattr(error, "field", None)


@pytest.mark.parametrize(("wait_s", "header"), [(0.01, "1"), (1.0, "1"), (2.1, "3"), (None, None)])
def test_retry_after_is_in_whole_seconds_never_too_early(wait_s: float | None, header: str | None) -> None:
    response = error_response(Fault("overloaded", "later", retry_after_s=wait_s), native)
    assert response.headers.get("retry-after") == header


def test_who_needs_a_key_is_told_which_kind() -> None:
    assert error_response(fault_of(NotAuthorized()), cohere).headers["www-authenticate"] == "Bearer"
