"""An error in each dialect, and its status."""

from __future__ import annotations

import json

import pytest

from jrerank.doors.http.dialects import Dialect, Fault, cohere, error_response, fault_of, native, openai, tei
from jrerank.errors import (
    EngineError,
    InputTooLong,
    InvalidInput,
    JrerankError,
    NotAuthorized,
    Overloaded,
    TooSlow,
    Unavailable,
    UnknownStore,
)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (InvalidInput("x", field="query"), 422, "invalid_input"),
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


@pytest.mark.parametrize(
    ("dialect", "content"),
    [
        (native, {"error": {"type": "invalid_input", "message": "no query", "field": "query"}}),
        (cohere, {"message": "no query", "detail": "no query"}),
        (tei, {"error": "no query", "error_type": "Validation"}),
        (
            openai,
            {"error": {"message": "no query", "type": "BadRequestError", "param": "query", "code": 422}},
        ),
    ],
)
def test_each_dialect_has_its_shape(dialect: Dialect, content: dict[str, object]) -> None:
    response = error_response(Fault("invalid_input", "no query", "query"), dialect)
    assert (response.status_code, json.loads(bytes(response.body))) == (422, content)


@pytest.mark.parametrize(
    ("kind", "tei_type", "openai_type"),
    [
        ("invalid_json", "Validation", "BadRequestError"),
        ("not_authorized", "Validation", "AuthenticationError"),
        ("too_large", "Validation", "BadRequestError"),
        ("overloaded", "Overloaded", "RateLimitError"),
        ("internal", "Backend", "InternalServerError"),
        ("unavailable", "Unhealthy", "ServiceUnavailableError"),
    ],
)
def test_two_dialects_have_types_of_their_own(kind: str, tei_type: str, openai_type: str) -> None:
    fault = Fault(kind, "message")
    assert tei(fault)["error_type"] == tei_type
    assert openai(fault)["error"]["type"] == openai_type  # type: ignore[index]


@pytest.mark.parametrize(("wait_s", "header"), [(0.01, "1"), (1.0, "1"), (2.1, "3"), (None, None)])
def test_retry_after_is_in_whole_seconds_never_too_early(wait_s: float | None, header: str | None) -> None:
    response = error_response(Fault("overloaded", "later", retry_after_s=wait_s), native)
    assert response.headers.get("retry-after") == header


def test_who_needs_a_key_is_told_which_kind() -> None:
    assert error_response(fault_of(NotAuthorized()), cohere).headers["www-authenticate"] == "Bearer"
