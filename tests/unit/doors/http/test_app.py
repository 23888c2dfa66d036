"""All routes in one application."""

from __future__ import annotations

import dataclasses

import httpx
import pytest

from jrerank.doors.service import Service
from tiny import client_of


async def test_every_route_that_takes_a_body_bounds_and_checks_it(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    posts = [path for path, operations in paths.items() if "post" in operations]
    assert len(posts) == 19
    for path in posts:
        assert (await http.post(path, content=b"query=a")).status_code == 415, path


async def test_every_route_is_documented(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    assert set(paths) >= {"/v1/rerank", "/v2/rerank", "/rerank", "/score", "/v1/score", "/v1/hits"}
    assert set(paths) >= {"/v1/search/{store}", "/v1/search/{store}/_msearch"}
    assert set(paths) >= {"/health", "/ready", "/info", "/metrics"}
    for path, operations in paths.items():
        assert all(operation["summary"] and operation["description"] for operation in operations.values()), (
            path
        )
    assert (await http.get("/docs")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [("GET", "/nowhere", 404, "not_found"), ("GET", "/v1/hits", 405, "method_not_allowed")],
)
async def test_what_is_not_there_is_an_error_of_ours(
    method: str, path: str, status: int, kind: str, http: httpx.AsyncClient
) -> None:
    response = await http.request(method, path)
    assert (response.status_code, response.json()["error"]["type"]) == (status, kind)
    assert response.json()["detail"] == response.json()["message"]
    assert ("allow" in response.headers) == (status == 405)


async def test_a_slash_at_the_end_is_no_other_path(http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/rerank/", json={"query": "空", "documents": ["空"]})
    assert (response.status_code, len(response.json()["results"])) == (200, 1)
    assert (await http.get("/health/")).status_code == 200


@pytest.mark.parametrize("allowed", [(), ("https://shop.example",)])
async def test_pages_from_elsewhere_are_let_in_only_where_they_are_named(
    allowed: tuple[str, ...], service: Service
) -> None:
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    async with client_of(dataclasses.replace(service, cors_origins=allowed)) as http:
        preflight = await http.options("/v1/rerank", headers=asked)
        elsewhere = await http.options("/v1/rerank", headers=asked | {"origin": "https://other.example"})
    assert (preflight.status_code, elsewhere.status_code) == ((200, 400) if allowed else (405, 405))
    assert preflight.headers.get("access-control-allow-origin") == (allowed[0] if allowed else None)
