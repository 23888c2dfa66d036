"""An error in the shape of each dialect."""

from __future__ import annotations

from typing import Any

import pytest

from jrerank.doors.http.error_shapes import (
    ErrorShape,
    all_of,
    cohere,
    dashscope,
    native,
    no_route,
    openai,
    tei,
)
from jrerank.doors.http.faults import Fault

FAULT = Fault("invalid_input", "no query", "query")
SHAPES: list[tuple[ErrorShape, dict[str, Any]]] = [
    (native, {"error": {"type": "invalid_input", "message": "no query", "field": "query"}}),
    (cohere, {"message": "no query", "detail": "no query"}),
    (tei, {"error": "no query", "error_type": "Validation"}),
    (openai, {"error": {"message": "no query", "type": "BadRequestError", "param": "query", "code": 422}}),
    (dashscope, {"code": "invalid_input", "message": "no query", "request_id": ""}),
]


@pytest.mark.parametrize(("shape", "content"), SHAPES)
def test_each_dialect_has_its_shape(shape: ErrorShape, content: dict[str, Any]) -> None:
    assert shape(FAULT) == content


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


def test_before_the_dialect_is_known_every_client_finds_its_key() -> None:
    assert all_of([tei, cohere])(FAULT) == {**tei(FAULT), **cohere(FAULT)}
    assert set(no_route(FAULT)) == {"error", "message", "detail"}
