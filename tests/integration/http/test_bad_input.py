"""Bad input gets a clear 4xx in the dialect that was spoken, never a 5xx."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from integration.http.conftest import KEY
from sidecars import RunningSidecar

SPOKEN: dict[str, dict[str, Any]] = {
    "/v1/rerank": {"query": "空", "documents": ["空"]},
    "/v2/rerank": {"query": "空", "documents": ["空"]},
    "/rerank": {"query": "空", "texts": ["空"]},
    "/score": {"text_1": "空", "text_2": "空"},
    "/v1/hits": {"query": "空", "hits": [{"id": "1", "text": "空"}]},
    "/v1/columns": {"queries": ["空"], "texts": ["空"]},
}


def message(path: str, response: httpx.Response) -> str:
    """Where each dialect keeps its error."""
    content = response.json()
    if path == "/rerank" and "error_type" in content:
        return str(content["error"])
    return str(content["message"] if "message" in content else content["error"]["message"])


@pytest.mark.parametrize("path", SPOKEN)
@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"query": NaN}',
    ],
    ids=["half an object", "not UTF-8", "deep arrays", "deep objects", "NaN"],
)
def test_what_is_not_json_is_a_400(path: str, raw: bytes, http: httpx.Client) -> None:
    response = http.post(path, content=raw, headers={"content-type": "application/json"})
    assert response.status_code == 400, response.text
    assert "JSON" in message(path, response)


@pytest.mark.parametrize("path", SPOKEN)
def test_half_an_emoji_costs_no_request_its_answer(path: str, http: httpx.Client) -> None:
    body = json.dumps({**SPOKEN[path], "ignored": "\ud83d"}).replace("空", "空\\ud83d")
    response = http.post(path, content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.headers["x-jrerank-outcome"]) == (200, "complete")


@pytest.mark.parametrize("path", SPOKEN)
def test_a_wrong_field_is_named(path: str, http: httpx.Client) -> None:
    name = next(iter(SPOKEN[path]))
    response = http.post(path, json={**SPOKEN[path], name: []})
    assert response.status_code == 422
    assert name in message(path, response)


@pytest.mark.parametrize("body", [None, [], "text", 5, {}])
@pytest.mark.parametrize("path", SPOKEN)
def test_a_body_of_another_shape_is_a_422(path: str, body: object, http: httpx.Client) -> None:
    assert http.post(path, json=body).status_code == 422


def test_too_many_documents_or_characters_are_a_413_that_says_the_limit(http: httpx.Client) -> None:
    many = http.post("/v1/rerank", json={"query": "空", "documents": ["空"] * 10_001})
    assert (many.status_code, "10000" in many.json()["message"]) == (413, True)
    long = http.post("/rerank", json={"query": "空" * 10_001, "texts": []})
    assert (long.status_code, long.json()["error_type"]) == (413, "Validation")
    big = http.post("/v1/hits", content=b'"' + b"x" * 12_000_001)
    assert (big.status_code, big.json()["error"]["type"]) == (413, "too_large")


def test_ten_megabytes_of_one_character_are_refused_or_scored(http: httpx.Client) -> None:
    assert http.post("/rerank", json={"query": "空", "texts": ["a" * 10_000_000]}).status_code == 413
    scored = http.post("/rerank", json={"query": "空", "texts": ["a" * 1_900_000]})
    assert scored.status_code == 200


def test_what_may_not_be_truncated_is_refused(http: httpx.Client) -> None:
    body = {"query": "空", "texts": ["長い文章。" * 1000]}
    assert http.post("/rerank", json={**body, "truncate": False}).status_code == 413
    assert http.post("/rerank", json={**body, "truncate": True}).status_code == 200


@pytest.mark.parametrize("key", [None, "wrong", KEY + "x", "鍵"])
@pytest.mark.parametrize("path", [*SPOKEN, "/info", "/metrics"])
def test_nobody_gets_in_without_a_key(path: str, key: str | None, sidecar: RunningSidecar) -> None:
    headers = {} if key is None else {"authorization": f"Bearer {key}".encode()}
    method = "POST" if path in SPOKEN else "GET"
    response = httpx.request(method, sidecar.url + path, headers=headers, json=SPOKEN.get(path))  # type: ignore[arg-type]
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


def test_an_unknown_store_and_linear_fusion_without_scores_say_what_to_do(http: httpx.Client) -> None:
    unknown = http.post("/v1/hits", json={"query": "空", "hits": [{"id": "1"}], "store": "nowhere"})
    assert (unknown.status_code, unknown.json()["error"]["field"]) == (404, "store")
    body = {"query": "空", "hits": [{"id": "1", "text": "空"}], "fusion": {"method": "linear"}}
    unscored = http.post("/v1/hits", json=body)
    assert (unscored.status_code, unscored.json()["error"]["field"]) == (422, "hits.0.score")


@pytest.mark.parametrize("value", ["soon", "-5", "0", "1e3"])
def test_a_wrong_timeout_header_is_named(value: str, http: httpx.Client) -> None:
    headers = {"x-envoy-expected-rq-timeout-ms": value}
    response = http.post("/v1/hits", json=SPOKEN["/v1/hits"], headers=headers)
    assert response.status_code == 422
    assert "x-envoy" in response.json()["error"]["message"]


def test_no_error_leaks_into_the_log(sidecar: RunningSidecar, http: httpx.Client) -> None:
    http.post("/v1/rerank", json={"query": "秘密の質問", "documents": ["秘密の文書"]})
    log = sidecar.log.read_text()
    assert "秘密" not in log
    assert KEY not in log
    assert "Traceback" not in log


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_the_openapi_document_allows_or_forbids_is_no_5xx(
    mode: GenerationMode, sidecar: RunningSidecar
) -> None:
    schema = schemathesis.openapi.from_url(f"{sidecar.url}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) == 25
    for operation in distinct(operations):
        if mode is GenerationMode.POSITIVE or operation.body:
            ask_at_random(operation.as_strategy(generation_mode=mode), sidecar)


def distinct(operations: list[Any]) -> list[Any]:
    """One of the paths that take the same bodies."""
    bodies = {
        json.dumps(operation.definition.raw.get("requestBody", operation.label), sort_keys=True): operation
        for operation in operations
    }
    return list(bodies.values())


@schemathesis.serializer("application/x-ndjson")
def lines(_: object, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def ask_at_random(cases: Any, sidecar: RunningSidecar) -> None:
    """Forty requests: no 5xx, and answers of the documented status, type and shape."""

    @given(case=cases)
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        case.call_and_validate(
            headers={"authorization": f"Bearer {KEY}"},
            checks=[
                not_a_server_error,
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
            ],
        )

    ask()
