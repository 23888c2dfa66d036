"""Errors on their way out."""

from __future__ import annotations

from typing import Any

import pytest

from jrerank.doors.http.error_shapes import cohere, native
from jrerank.doors.http.faults import Fault, described, error_response, fault_of
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


ERRORS: list[dict[str, Any]] = [
    {"loc": ("hits",), "msg": "not a list", "input": "秘密"},
    {"loc": ("hits", 1, "function-wrap[f()]", "score"), "msg": "not a number", "input": True},
]


def test_the_deepest_mistake_is_told_by_its_place_and_a_short_value_with_it() -> None:
    assert described(ERRORS) == ("hits.1.score: not a number (got True)", "hits.1.score")
    assert described(ERRORS, "body")[1] == "body.hits.1.score"


def test_a_passage_or_a_whole_body_is_not() -> None:
    assert described(ERRORS[:1]) == ("hits: not a list", "hits")
    assert described([{"loc": (), "msg": "not an object", "input": []}]) == ("body: not an object", "body")
