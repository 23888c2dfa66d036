"""What orchestrators and people ask."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from jrerank.doors.readiness import Check
from jrerank.doors.service import Service
from jrerank.errors import StoreError
from tiny import client_of


async def answers() -> None:
    """A store that is there."""


async def refuses() -> None:
    raise StoreError("connection to db.internal as reranker failed")


async def ready(service: Service, *, healthy: bool = True, **checks: Check) -> httpx.Response:
    async with client_of(replace(service, checks=checks, healthy=lambda: healthy)) as client:
        return await client.get("/ready")


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_a_load_balancer_may_ask_for_the_head_alone(path: str, http: httpx.AsyncClient) -> None:
    answer = await http.head(path)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_it_lives_and_is_ready(http: httpx.AsyncClient) -> None:
    assert (await http.get("/health")).json() == {"status": "ok"}
    assert (await http.get("/ready")).json() == {"status": "ready", "stores": {}}


async def test_a_store_that_answers_is_ok(service: Service) -> None:
    response = await ready(service, docs=answers)
    assert (response.status_code, response.json()["stores"]) == (200, {"docs": "ok"})


async def test_without_a_store_it_serves_all_the_same(service: Service) -> None:
    """Otherwise a store that is down would take every replica out of the balancer."""
    response = await ready(service, docs=refuses, more=answers)
    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "stores": {"docs": "not reachable", "more": "ok"}}


async def test_without_its_workers_it_does_not(service: Service) -> None:
    response = await ready(service, healthy=False, docs=answers)
    assert (response.status_code, response.json()["status"]) == (503, "unavailable")


async def test_info_tells_the_model_and_the_limits(service: Service, http: httpx.AsyncClient) -> None:
    info = (await http.get("/info")).json()
    assert info["fingerprint"] == service.info.fingerprint
    assert (info["precision"], info["workers"], info["max_tokens"]) == ("fp32", 1, 512)
    assert (info["max_documents"], info["timeout_ms"]) == (10_000, 30_000)
    assert info["second_model"] is None


async def test_info_is_what_clients_of_text_embeddings_inference_discover_a_reranker_by(
    http: httpx.AsyncClient,
) -> None:
    info = (await http.get("/info")).json()
    assert info["model_type"]["reranker"] == {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
    assert (info["max_input_length"], info["max_client_batch_size"]) == (512, 10_000)
    assert info["auto_truncate"] is True


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_ping_is_answered(method: str, http: httpx.AsyncClient) -> None:
    assert (await http.request(method, "/ping")).status_code == 200


async def test_the_one_model_is_listed_and_found(service: Service, http: httpx.AsyncClient) -> None:
    listed = (await http.get("/v1/models")).json()
    assert [model["id"] for model in listed["data"]] == [service.info.model]
    found = await http.get(f"/v1/models/{service.info.model}")
    assert found.json() == listed["data"][0]


async def test_another_model_is_not_there(http: httpx.AsyncClient) -> None:
    response = await http.get("/v1/models/another")
    assert (response.status_code, response.json()["error"]["type"]) == (404, "unknown_model")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/openmetrics-text; version=1.0.0, text/plain; q=0.5", "application/openmetrics-text"),
        ("text/plain; version=0.0.4", "text/plain"),
        ("*/*", "text/plain"),
    ],
)
async def test_metrics_are_in_the_format_that_is_asked_for(
    accept: str, content_type: str, http: httpx.AsyncClient
) -> None:
    response = await http.get("/metrics", headers={"accept": accept})
    assert response.headers["content-type"].startswith(content_type)
    assert "jrerank_stage_seconds_bucket" in response.text
    assert response.text.endswith("# EOF\n") == ("openmetrics" in content_type)
