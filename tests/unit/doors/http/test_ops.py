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


async def test_metrics_are_openmetrics(http: httpx.AsyncClient) -> None:
    response = await http.get("/metrics")
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")
