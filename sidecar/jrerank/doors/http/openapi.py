"""The OpenAPI document's part of what no model of pydantic stands for: read from the table of dialects, and from samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jrerank.doors.http.dialects.dialect import Answer, Dialect, Row
from jrerank.doors.http.dialects.fields import PARTS
from jrerank.doors.http.error_shapes import ErrorShape
from jrerank.doors.http.faults import Fault

Json = dict[str, Any]
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
NO_STORE: dict[int | str, Json] = {404: {"description": "There is no such store."}}
_SAMPLE = Answer(
    rows=[
        Row(1, 0.99, "富士山の標高は3776メートル", "富士山の標高は3776メートル"),
        Row(0, 0.01, {"text": "味噌汁の作り方"}, "味噌汁の作り方"),
    ],
    documents=2,
    tokens=30,
    model="bundled",
    path="/v1/rerank",
    echo=True,
    id="0",
    created=0,
)
_SAMPLES = (_SAMPLE, replace(_SAMPLE, echo=None))
_FAULTS = (Fault("invalid_input", "query: Field required", "query"), Fault("overloaded", "too much"))


def errors_of(*shapes: ErrorShape) -> dict[int | str, Json]:
    """Every status of a request, in one of these shapes."""
    schema = {"anyOf": [schema_of(*(shape(fault) for fault in _FAULTS)) for shape in shapes]}
    content = {"application/json": {"schema": schema}}
    return {status: {"description": meaning, "content": content} for status, meaning in _MEANINGS.items()}


def answers_of(dialects: Sequence[Dialect]) -> Json:
    """Status 200 of dialects that share a path."""
    schema = {"anyOf": [schema_of(*(dialect.answer(sample) for sample in _SAMPLES)) for dialect in dialects]}
    return {
        "description": "The documents in their new order.",
        "content": {"application/json": {"schema": schema, "example": dialects[-1].answer(_SAMPLE)}},
    }


def body_of(dialects: Sequence[Dialect]) -> Json:
    """The request body of dialects that share a path."""
    schema = {"anyOf": [_request_schema(dialect) for dialect in dialects]}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def schema_of(*samples: object) -> Json:
    """What these have in common, and values like them."""
    first = samples[0]
    if any(type(sample) is not type(first) for sample in samples):
        return {}
    if isinstance(first, Mapping):
        mappings = [sample for sample in samples if isinstance(sample, Mapping)]
        return {
            "type": "object",
            "properties": {key: schema_of(*(one[key] for one in mappings if key in one)) for key in first},
        }
    if isinstance(first, list):
        items = [item for sample in samples if isinstance(sample, list) for item in sample]
        return {"type": "array", "items": schema_of(*items) if items else {}}
    return {"type": _TYPES[type(first)]} if type(first) in _TYPES else {}


_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}


def _request_schema(dialect: Dialect) -> Json:
    schema: Json = {"type": "object", "title": dialect.summary, "properties": {}, "required": []}
    for part, names in dialect.request.items():
        for name in names:
            _place(schema, name.split("."), dict(PARTS[part].schema))
    for part in ("query", "documents"):
        if len(names := dialect.request[part]) == 1:
            _require(schema, names[0].split("."))
    return schema


def _place(schema: Json, steps: Sequence[str], leaf: Json) -> None:
    for step in steps[:-1]:
        schema = schema["properties"].setdefault(step, {"type": "object", "properties": {}, "required": []})
    schema["properties"][steps[-1]] = leaf


def _require(schema: Json, steps: Sequence[str]) -> None:
    for step in steps:
        schema["required"] = [*dict.fromkeys([*schema["required"], step])]
        schema = schema["properties"][step]
