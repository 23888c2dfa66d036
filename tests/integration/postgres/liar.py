"""A sidecar that answers whatever a test wants, over HTTP and over the PostgreSQL wire."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from integration.postgres.sidecar import API_KEY, Address
from jrerank.doors.pgwire.auth import proof, secret_of
from jrerank.doors.pgwire.messages import (
    ANSWER,
    PROOF,
    Result,
    authentication,
    backend_key_data,
    error_response,
    message,
    parameter_status,
    ready_for_query,
    whole_result,
)

ASK_FOR_CLEARTEXT = 3

Answer = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Refusal:
    """An error instead of an answer."""

    status: int
    sqlstate: str


def truthful(request: dict[str, Any]) -> dict[str, Any]:
    """Scores the hits by their length, and says so as a sidecar does."""
    texts = request.get("texts") or request["ids"]
    order = sorted(range(len(texts)), key=lambda place: (len(texts[place]), place))[: request.get("top_n")]
    ranking = {
        "outcome": "complete",
        "reason": None,
        "missing": [],
        "first_ranks": [place + 1 for place in order],
        "scores": [1 / (1 + len(texts[place])) for place in order],
    }
    return {"model": "liar", "took_ms": 1.0, "rankings": [dict(ranking) for _ in request["queries"]]}


@dataclass
class Liar:
    """`answer` makes of a request JSON, or text that is none, or a `Refusal`; `raw` goes out as it is."""

    address: Address
    answer: Answer = truthful
    raw: bytes | None = None
    knows_the_key: bool = True
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    proofs: int = 0

    def reply(self, body: str) -> Any:
        """What this request gets."""
        self.asked.append(json.loads(body))
        return self.answer(self.asked[-1])


@contextmanager
def lying_sidecar() -> Iterator[Liar]:
    """Both doors, until the end of the block."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Http)
    wire = _WireServer(("127.0.0.1", 0), _Wire)
    liar = Liar(Address(f"http://127.0.0.1:{http.server_address[1]}", wire.server_address[1]))
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in (http, wire)]
    for server in (http, wire):
        server.liar = liar  # type: ignore[union-attr]
        server.daemon_threads = True
    for thread in threads:
        thread.start()
    try:
        yield liar
    finally:
        for server in (http, wire):
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


class _Http(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        liar: Liar = self.server.liar  # type: ignore[attr-defined]
        liar.keys.append(self.headers.get("authorization", ""))
        reply = liar.reply(self.rfile.read(int(self.headers["content-length"])).decode())
        status = reply.status if isinstance(reply, Refusal) else 200
        body = (_text(reply) if liar.raw is None else "\0garbage").encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


class _WireServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


class _Wire(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        if not self._logged_in():
            return
        parts = ""
        while (query := self._query()) is not None:
            if query.startswith("PROVE "):
                self._send(whole_result(Result("SELECT 1", PROOF, self._proof(query.split()[2]))))
            elif query.startswith("+"):
                parts += query[1:]
                self._send(whole_result(Result("PART")))
            else:
                self._send(_wire_reply(self.server.liar, parts + query))  # type: ignore[attr-defined]
                parts = ""

    def _proof(self, nonce: str) -> str:
        liar: Liar = self.server.liar  # type: ignore[attr-defined]
        liar.proofs += 1
        return proof(secret_of(API_KEY if liar.knows_the_key else "another"), nonce)

    def _logged_in(self) -> bool:
        while len(first := self._message(b"")) == 4:  # libpq asks for TLS first
            self.wfile.write(b"N")
        if len(first) > 10_000:  # it only looks whether somebody reads
            return False
        self.wfile.write(authentication(ASK_FOR_CLEARTEXT))
        if self.rfile.read(1) != b"p":
            return False
        self.server.liar.keys.append(self._message(b"").rstrip(b"\0").decode())  # type: ignore[attr-defined]
        hello = authentication(0) + parameter_status("client_encoding", "UTF8") + backend_key_data(1, b"1234")
        self._send(hello)
        return True

    def _query(self) -> str | None:
        kind = self.rfile.read(1)
        return self._message(kind).rstrip(b"\0").decode() if kind == b"Q" else None

    def _message(self, _: bytes) -> bytes:
        length = self.rfile.read(4)
        return self.rfile.read(int.from_bytes(length, "big") - 4) if length else b""

    def _send(self, reply: bytes) -> None:
        self.wfile.write(reply + ready_for_query(False))


def _wire_reply(liar: Liar, body: str) -> bytes:
    reply = liar.reply(body)
    if liar.raw is not None:
        return liar.raw
    if isinstance(reply, Refusal):
        return error_response(reply.sqlstate, "the sidecar says no")
    return whole_result(Result("SELECT 1", ANSWER, _text(reply)))


def _text(reply: Any) -> str:
    if isinstance(reply, Refusal):
        return json.dumps({"error": {"type": "no", "message": "the sidecar says no"}})
    return reply if isinstance(reply, str) else json.dumps(reply)


GARBAGE = message(b"D", b"\xff\xff\xff") + b"\0\1\2\3" * 10
