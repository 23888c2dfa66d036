"""A server of `POST /v1/hits` whose answers, right or wrong, can be foretold.

A script, `PORT [CERTIFICATE KEY]`. It speaks just enough HTTP to be wrong in ways that a library would not
let it be. `PUT /control` sets how it answers, `GET /control` says what it was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
from typing import Any

_STATE: dict[str, Any] = {
    "mode": "ok",
    "texts": {},
    "delay_ms": 0,
    "requests": 0,
    "connections": 0,
    "last": None,
}
_DRIP_S = 0.05
_STORE_SHARE = 0.5  # of its time, as much as the sidecar leaves to a store


def score(query: str, text: str) -> float:
    """The share of the query's character pairs that the text has."""
    pairs = {query[i : i + 2] for i in range(len(query) - 1)} or {query}
    return round(sum(pair in text for pair in pairs) / len(pairs), 6)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What the contract wants."""
    hits = [_hit(request, number, hit) for number, hit in enumerate(request["hits"])]
    if _STATE["mode"] == "partial":
        for hit in hits[len(hits) // 2 :]:
            hit.update(score=None, scored=False)
    if _STATE["mode"] in {"passthrough", "slow_store"}:
        for hit in hits:
            hit.update(score=None, scored=False)
    hits.sort(key=lambda hit: (not hit["scored"], -(hit["score"] or 0.0)))
    for rank, hit in enumerate(hits, 1):
        hit["rank"] = rank
    answered = _with_outcome(hits)
    return answered | {"reason": "store_timeout"} if _STATE["mode"] == "slow_store" else answered


def _hit(request: dict[str, Any], number: int, hit: dict[str, Any]) -> dict[str, Any]:
    text = hit.get("text")
    if text is None and request.get("store"):
        text = _STATE["texts"].get(hit["id"])
    scored = None if text is None else score(request["query"], text)
    return {
        "id": hit["id"],
        "first_rank": number + 1,
        "first_score": hit.get("score"),
        "score": scored,
        "scored": scored is not None,
    }


def _with_outcome(hits: list[dict[str, Any]]) -> dict[str, Any]:
    scored = sum(hit["scored"] for hit in hits)
    outcome = "complete" if scored == len(hits) else "partial" if scored else "passthrough"
    reason = {"complete": None, "partial": "deadline", "passthrough": "engine_error"}[outcome]
    return {
        "outcome": outcome,
        "reason": reason,
        "model": "fake",
        "took_ms": 1.0,
        "missing": [],
        "usage": {"total_tokens": 1},
        "hits": hits,
    }


def _body(request: dict[str, Any]) -> bytes:
    answered = answer(request)
    hits = answered["hits"]
    if _STATE["mode"] == "missing":
        answered["hits"] = hits[:-20] if len(hits) > 20 else []
    if _STATE["mode"] == "duplicate":
        answered["hits"] = [hits[0], *hits[:-1]]
    return json.dumps(answered, ensure_ascii=False).encode()


def _head(status: int, length: int, extra: str = "") -> bytes:
    lines = (
        f"HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{extra}\r\n"
    )
    return lines.encode()


async def _reply(request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answers as the mode says; False where the connection is to be closed."""
    mode = _STATE["mode"]
    await asyncio.sleep(_STATE["delay_ms"] / 1000)
    if mode == "slow_store":
        await asyncio.sleep(request["timeout_ms"] / 1000 * _STORE_SHARE)
    is_silent = mode == "silent" or (mode == "silent_half" and _STATE["requests"] % 2)
    if is_silent:
        await reader.read()  # until the other side hangs up
    if is_silent or mode == "close":
        return False
    if mode.startswith("status_"):
        body = b'{"error": {"type": "x", "message": "x", "field": null}}'
        writer.write(_head(int(mode.removeprefix("status_")), len(body), "retry-after: 1\r\n") + body)
        return True
    if mode == "endless":
        return await _endless(writer)
    body = b"<html>what?</html>" if mode == "garbage" else _body(request)
    if mode == "half":
        writer.write(_head(200, len(body)) + body[: len(body) // 2])
        return False
    if mode == "drip":
        return await _drip(writer, body)
    writer.write(_head(200, len(body)) + body)
    return True


async def _drip(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(_head(200, len(body)))
    for byte in body:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(_DRIP_S)
    return True


async def _endless(writer: asyncio.StreamWriter) -> bool:
    writer.write(_head(200, 1 << 40))
    while True:
        writer.write(b" " * 65536)
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return method, path, headers, body


def _control(method: str, body: bytes) -> bytes:
    if method == "PUT":
        _STATE.update(json.loads(body))
    reply = json.dumps(_STATE, ensure_ascii=False).encode()
    return _head(200, len(reply)) + reply


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _STATE["connections"] += 1
    try:
        goes_on = True
        while goes_on:
            method, path, headers, body = await _read(reader)
            if path == "/control":
                writer.write(_control(method, body))
            else:
                _STATE["requests"] += 1
                request = json.loads(body)
                _STATE["last"] = {"path": path, "headers": headers, "body": request}
                goes_on = await _reply(request, reader, writer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        _STATE["connections"] -= 1
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


async def _main(port: int, certificate: tuple[str, str] | None) -> None:
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    server = await asyncio.start_server(_serve, "127.0.0.1", port, ssl=context, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), (sys.argv[2], sys.argv[3]) if len(sys.argv) > 3 else None))
