"""The documented error shapes are those that are sent."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from jrerank.doors.http import dialects
from jrerank.doors.http.errors_openapi import (
    CohereError,
    NativeError,
    OpenAiError,
    TeiError,
    cohere_errors,
    native_errors,
    openai_errors,
    shared_errors,
)


@pytest.mark.parametrize(
    ("dialect", "model"),
    [
        (dialects.native, NativeError),
        (dialects.cohere, CohereError),
        (dialects.tei, TeiError),
        (dialects.openai, OpenAiError),
    ],
)
@pytest.mark.parametrize("field", [None, "query"])
def test_what_a_dialect_sends_is_what_is_documented(
    dialect: dialects.Dialect, model: type[BaseModel], field: str | None
) -> None:
    content = dialect(dialects.Fault("invalid_input", "wrong", field))
    assert model.model_validate(content, strict=True).model_dump() == content


@pytest.mark.parametrize("responses", [native_errors, cohere_errors, openai_errors, shared_errors])
def test_every_status_of_a_request_is_documented(responses: dict[int | str, dict[str, Any]]) -> None:
    assert set(responses) >= {400, 401, 408, 413, 415, 422, 429, 503}
    assert all(response["description"].endswith(".") for response in responses.values())


def test_only_the_native_shape_knows_stores() -> None:
    assert [404 in errors for errors in (native_errors, cohere_errors, openai_errors)] == [True, False, False]
