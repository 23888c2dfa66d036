"""HTTP as clients speak it to a real socket: offers to upgrade, heads in pieces, whole URIs, old versions."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest

from integration.http.conftest import KEY
from sidecars import RunningSidecar

BODY = '{"query": "空", "documents": ["晴れ", "富士山"]}'.encode()
H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
LENGTH = f"Content-Length: {len(BODY)}\r\n"


def head(extra: str = "", line: str = "POST /v1/rerank HTTP/1.1", length: str = LENGTH) -> bytes:
    key = f"Authorization: Bearer {KEY}\r\n"
    return f"{line}\r\n{extra}Host: sidecar\r\n{key}Content-Type: application/json\r\n{length}\r\n".encode()


def answers(sidecar: RunningSidecar, pieces: Sequence[bytes], count: int = 1) -> bytes:
    """What comes back until so many answers are there."""
    address = urlsplit(sidecar.url)
    received = b""
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        while received.count(b'"rerank_units"') < count and (data := connection.recv(65536)):
            received += data
    return received


CHUNKED = head(H2C, length="Transfer-Encoding: chunked\r\n") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
WHOLE = head(H2C) + BODY
PIECES: dict[str, tuple[list[bytes], int]] = {
    "an offer of HTTP/2": ([WHOLE], 1),
    "head and body apart": ([head(H2C), BODY], 1),
    "byte for byte": ([WHOLE[place : place + 1] for place in range(len(WHOLE))], 1),
    "one after the other": ([WHOLE + WHOLE + head() + BODY], 3),
    "in chunks": ([CHUNKED, WHOLE], 2),
    "an offer of WebSocket": ([head("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n") + BODY], 1),
    "no offer": ([head() + BODY], 1),
    "a whole URI": ([head(line="POST http://sidecar/v1/rerank HTTP/1.1") + BODY], 1),
    "HTTP/1.0": ([head(line="POST /v1/rerank HTTP/1.0") + BODY], 1),
    "a slash too many": ([head(H2C, line="POST /v1/rerank/ HTTP/1.1") + BODY], 1),
}


@pytest.mark.parametrize("sent", PIECES)
def test_a_body_is_read_whatever_stands_before_it(sent: str, sidecar: RunningSidecar) -> None:
    pieces, count = PIECES[sent]
    received = answers(sidecar, pieces, count)
    assert received.count(b" 200 OK\r\n") == count, received


def test_a_client_that_asks_first_is_told_to_go_on(sidecar: RunningSidecar) -> None:
    received = answers(sidecar, [head("Expect: 100-continue\r\n" + H2C), BODY])
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize("line", ["CONNECT sidecar:443 HTTP/1.1", "no HTTP at all"])
def test_what_is_no_request_is_a_400(line: str, sidecar: RunningSidecar) -> None:
    assert answers(sidecar, [head(line=line)]).startswith(b"HTTP/1.1 400 ")
