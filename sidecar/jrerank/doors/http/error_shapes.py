"""An error in the shape of each dialect."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jrerank.doors.http.faults import Fault

ErrorShape = Callable[[Fault], dict[str, object]]


def native(fault: Fault) -> dict[str, object]:
    """`{"error": {"type", "message", "field"}}`: ours, and near enough to OpenAI's for clients of either."""
    return {"error": {"type": fault.kind, "message": fault.message, "field": fault.field}}


def engine(fault: Fault) -> dict[str, object]:
    """OpenSearch's and Elasticsearch's, whose clients look for `reason`, with what ours has."""
    cause: dict[str, object] = {"type": fault.kind, "reason": fault.message}
    ours = {"message": fault.message, "field": fault.field}
    return {"error": {"root_cause": [cause], **cause, **ours}, "status": fault.status}


def cohere(fault: Fault) -> dict[str, object]:
    """`{"message"}`; Jina's and Voyage's clients look for `detail`."""
    return {"message": fault.message, "detail": fault.message}


def tei(fault: Fault) -> dict[str, object]:
    """text-embeddings-inference's `{"error", "error_type"}`."""
    kinds = {429: "Overloaded", 503: "Unhealthy"}
    default = "Validation" if fault.status < 500 else "Backend"
    return {"error": fault.message, "error_type": kinds.get(fault.status, default)}


def openai(fault: Fault) -> dict[str, object]:
    """OpenAI's, as vLLM sends it; `code` repeats the status."""
    kind = _OPENAI_KINDS.get(fault.status, "BadRequestError" if fault.status < 500 else "InternalServerError")
    return {"error": {"message": fault.message, "type": kind, "param": fault.field, "code": fault.status}}


def dashscope(fault: Fault) -> dict[str, object]:
    """DashScope's `{"code", "message"}`."""
    return {"code": fault.kind, "message": fault.message, "request_id": ""}


def no_route(fault: Fault) -> dict[str, object]:
    """For a path that is nobody's: ours, with what other clients look for."""
    return native(fault) | cohere(fault)


def all_of(shapes: Sequence[ErrorShape]) -> ErrorShape:
    """For a request whose dialect isn't known yet, or never will be: every key that a client of any of them looks for."""

    def shape(fault: Fault) -> dict[str, object]:
        return {key: value for shape in shapes for key, value in shape(fault).items()}

    return shape


_OPENAI_KINDS = {
    401: "AuthenticationError",
    404: "NotFoundError",
    429: "RateLimitError",
    503: "ServiceUnavailableError",
}
