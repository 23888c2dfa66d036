"""What the OpenAPI document says of the table is what is sent."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from jrerank.doors.http.dialects.table import DIALECTS
from jrerank.doors.http.error_shapes import cohere, tei
from jrerank.doors.http.openapi import body_of, errors_of, schema_of


@pytest.mark.parametrize(
    ("samples", "schema"),
    [
        (["a"], {"type": "string"}),
        ([1, 2], {"type": "integer"}),
        ([True], {"type": "boolean"}),
        ([0.5], {"type": "number"}),
        ([None, "a"], {}),
        ([[]], {"type": "array", "items": {}}),
        ([[0.5, 1.5]], {"type": "array", "items": {"type": "number"}}),
        ([{"a": "b"}, {"a": None}], {"type": "object", "properties": {"a": {}}}),
    ],
)
def test_a_schema_is_what_samples_have_in_common(samples: list[object], schema: dict[str, Any]) -> None:
    assert schema_of(*samples) == schema


def test_every_status_of_a_request_has_the_shapes_that_it_may_have() -> None:
    errors = errors_of(cohere, tei)
    assert set(errors) >= {400, 401, 408, 413, 415, 422, 429, 503}
    schemas = errors[422]["content"]["application/json"]["schema"]["anyOf"]
    assert [set(schema["properties"]) for schema in schemas] == [
        {"message", "detail"},
        {"error", "error_type"},
    ]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_body_has_every_name_of_its_dialect(dialect: Any) -> None:
    (schema,) = body_of([dialect])["content"]["application/json"]["schema"]["anyOf"]
    for names in dialect.request.values():
        for name in names:
            place = schema
            for step in name.split("."):
                place = place["properties"][step]
            assert place["description"]


def test_where_a_name_leads_into_an_object_the_object_is_required() -> None:
    dashscope = next(dialect for dialect in DIALECTS if dialect.name == "dashscope")
    (schema,) = body_of([dashscope])["content"]["application/json"]["schema"]["anyOf"]
    assert schema["required"] == ["input"]
    assert schema["properties"]["input"]["required"] == ["query", "documents"]


async def test_answers_are_documented_by_example(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    content = paths["/rerank"]["post"]["responses"]["200"]["content"]["application/json"]
    assert content["example"]["results"][0]["index"] == 1
    assert [schema["type"] for schema in content["schema"]["anyOf"]] == ["array", "object"]
