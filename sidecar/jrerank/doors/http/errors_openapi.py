"""The error shapes as they stand in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class NativeErrorDetail(BaseModel):
    """`field` is the place in the request, such as `hits.0.score`."""

    type: str
    message: str
    field: str | None


class NativeError(BaseModel):
    """The native error."""

    error: NativeErrorDetail


class CohereError(BaseModel):
    """Cohere's error; `detail` is the same for clients that look for it."""

    message: str
    detail: str


class TeiError(BaseModel):
    """text-embeddings-inference's error."""

    error: str
    error_type: str


class OpenAiErrorDetail(BaseModel):
    """`code` repeats the status."""

    message: str
    type: str
    param: str | None
    code: int


class OpenAiError(BaseModel):
    """OpenAI's error."""

    error: OpenAiErrorDetail


class EngineError(BaseModel):
    """An error of the search engine behind a store, as it came."""

    model_config = ConfigDict(extra="allow")

    error: Any
    status: int


_MEANINGS = {
    400: "The body is not JSON.",
    401: "No API key, or a wrong one.",
    408: "The body did not arrive in time.",
    413: "More than a limit allows.",
    415: "The body is not declared as JSON.",
    422: "A field is wrong.",
    429: "Too much is queued to answer in time; `Retry-After` says when to come back.",
    503: "The sidecar is not ready, or is shutting down.",
}


def _responses(model: Any) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": model, "description": meaning} for status, meaning in _MEANINGS.items()}


native_errors = _responses(NativeError) | {
    404: {"model": NativeError, "description": "There is no such store."}
}
cohere_errors = _responses(CohereError)
openai_errors = _responses(OpenAiError)
shared_errors = _responses(CohereError | TeiError)
search_errors = {
    status: {**response, "model": NativeError | EngineError} for status, response in native_errors.items()
} | {"default": {"description": "The search engine's own answer, as it came."}}
