"""Without keys nobody gets in through a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tiny import tiny_http

BODY = {"query": "空", "documents": ["空"]}


@pytest.fixture
async def http(tiny_folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with tiny_http(tiny_folder, cors_origins="https://ours.example") as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "127.0.0.1:8080"}, 200),
        ({"host": "[::1]:8080"}, 200),
        ({"host": "jrerank.localhost"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example:8080"}, 403),
        ({"host": "[::1"}, 403),
        ({"origin": "http://localhost:3000"}, 200),
        ({"origin": "https://ours.example"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
async def test_only_this_machine_may_ask(
    http: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    answer = await http.post("/v1/rerank", json=BODY, headers=headers)
    assert answer.status_code == status, answer.text
    assert (await http.get("/health", headers=headers)).status_code == 200


async def test_with_keys_any_name_is_a_host(tiny_folder: Path) -> None:
    headers = {"host": "rerank.example", "authorization": "Bearer key"}
    async with tiny_http(tiny_folder, api_keys="key") as client:
        assert (await client.post("/v1/rerank", json=BODY, headers=headers)).status_code == 200


async def test_who_lets_every_page_ask_lets_every_page_ask(tiny_folder: Path) -> None:
    async with tiny_http(tiny_folder, cors_origins="*") as client:
        answer = await client.post("/v1/rerank", json=BODY, headers={"origin": "https://any.example"})
        assert answer.status_code == 200
