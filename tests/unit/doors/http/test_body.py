"""A body as it is sent: packed, or with a mark before it."""

from __future__ import annotations

import gzip
import json
import threading
import zlib
from typing import Any

import httpx
import pytest

from jrerank.doors.http import body
from tiny import tiny_http

BODY = json.dumps({"query": "空", "documents": ["晴れ", "富士山"]}).encode()


async def post(http: httpx.AsyncClient, content: bytes, encoding: str = "") -> httpx.Response:
    headers = {"content-type": "application/json"} | ({"content-encoding": encoding} if encoding else {})
    return await http.post("/v1/rerank", content=content, headers=headers)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (BODY, "identity"),
        (b"\xef\xbb\xbf" + BODY, ""),
        (gzip.compress(BODY, mtime=0), "gzip"),
        (gzip.compress(BODY, mtime=0), "x-gzip"),
        (zlib.compress(BODY), "deflate"),
        (gzip.compress(b"\xef\xbb\xbf" + BODY, mtime=0), "GZIP"),
    ],
)
async def test_a_body_may_be_packed_or_marked(content: bytes, encoding: str, http: httpx.AsyncClient) -> None:
    response = await post(http, content, encoding)
    assert len(response.json()["results"]) == 2, response.text


WRONG: dict[str, tuple[bytes, str, str]] = {
    "another packing": (BODY, "br", "content-encoding 'br' is not read"),
    "not packed": (BODY, "gzip", "not packed as its content-encoding says"),
    "cut off": (gzip.compress(BODY, mtime=0)[:-9], "gzip", "ends too early"),
    "empty": (b"", "gzip", "ends too early"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_cannot_be_unpacked_is_told(wrong: str, http: httpx.AsyncClient) -> None:
    content, encoding, message = WRONG[wrong]
    response = await post(http, content, encoding)
    assert (response.status_code, message in response.json()["detail"]) == (422, True)


async def test_a_bomb_is_unpacked_to_the_limit_only(tiny_folder: Any) -> None:
    async with tiny_http(tiny_folder, max_body_bytes=100_000) as http:
        response = await post(http, gzip.compress(b" " * 50_000_000, mtime=0), "gzip")
    assert (response.status_code, response.json()["detail"]) == (413, "the body is larger than 100000 bytes")


@pytest.mark.parametrize(("size", "beside"), [(1_000, False), (1_000_000, True)])
async def test_a_large_body_is_put_together_beside_the_event_loop(
    size: int, beside: bool, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[bool] = []

    def joined(chunks: list[bytes]) -> bytes:
        threads.append(threading.current_thread() is not threading.main_thread())
        return b"".join(chunks)

    monkeypatch.setattr(body, "_joined", joined)
    content = json.dumps({"query": "空", "documents": ["晴れ" + " " * size]}).encode()
    assert (await post(http, content)).status_code == 200
    assert threads == [beside]
