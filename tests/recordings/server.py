"""Servers that answer as their facts say: JSON over HTTP, on a free port, in a thread of the test."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]


class Answer(Exception):  # noqa: N818  an answer other than 200, from however deep
    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


def engine_error(status: int, reason: str) -> Answer:
    """In the shape that OpenSearch and Elasticsearch share."""
    cause = {"type": "illegal_argument_exception", "reason": reason}
    return Answer(status, {"error": {"root_cause": [cause], **cause}, "status": status})


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    parameters: dict[str, str]
    headers: dict[str, str]
    raw: str
    match: tuple[str, ...] = ()

    @property
    def body(self) -> Json:
        parsed: Json = json.loads(self.raw) if self.raw else {}
        return parsed

    @property
    def lines(self) -> list[Json]:
        return [json.loads(line) for line in self.raw.splitlines()]


Handler = Callable[[Asked], Any]


@dataclass
class RecordedServer:
    """`routes` are tried in order: `METHOD regular-expression` and what answers; `seen` is what was asked."""

    routes: list[tuple[str, Handler]] = field(default_factory=list)
    certificate: tuple[Path, Path] | None = None
    admits: Handler = field(default=lambda asked: None)
    seen: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Self:
        server = self

        class Http(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                status, content = server._answer(self)
                payload = json.dumps(content, ensure_ascii=False).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(payload)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _any  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Http)
        self._http.daemon_threads = True
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self._http.server_address[1]}"

    def writes(self) -> list[str]:
        """What was asked that changes something."""
        return [
            f"{one.method} {one.path}"
            for one in self.seen
            if one.method != "GET" and not re.search(r"/_search$|/_predict/", one.path)
        ]

    def _answer(self, http: BaseHTTPRequestHandler) -> tuple[int, Any]:
        parts = urlsplit(http.path)
        raw = http.rfile.read(int(http.headers.get("content-length") or 0)).decode()
        headers = {name.lower(): value for name, value in http.headers.items()}
        asked = Asked(http.command, parts.path, dict(parse_qsl(parts.query)), headers, raw)
        self.seen.append(asked)
        try:
            self.admits(asked)
            return 200, self._route(asked)
        except Answer as answer:
            return answer.status, answer.body

    def _route(self, asked: Asked) -> Any:
        for pattern, handler in self.routes:
            found = re.fullmatch(pattern, f"{asked.method} {asked.path}")
            if found:
                asked.match = found.groups()
                return handler(asked)
        raise Answer(400, {"error": f"no handler found for uri [{asked.path}] and method [{asked.method}]"})
