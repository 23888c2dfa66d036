"""One HTTP connection of a caller: little more than the bytes, since whoever measures a server should not take its time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Self

_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """`head` is in lower case."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """Its value, empty where there is none."""
        _, found, rest = self.head.partition(f"\r\n{name}: ".encode())
        return rest.partition(b"\r\n")[0].decode() if found else ""


class Connection(asyncio.Protocol):
    """Keeps alive, and asks one thing at a time."""

    def __init__(self, headers: str = "") -> None:
        self._headers = headers
        self._received = b""
        self._answer: asyncio.Future[HttpAnswer] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, host: str, port: int, key: str | None = None) -> Self:
        """Connect; every request brings the key."""
        headers = "" if key is None else f"authorization: Bearer {key}\r\n"
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: cls(headers), host, port)
        return connection

    async def get(self, path: str) -> HttpAnswer:
        """The answer, read to its end.

        Raises:
            ConnectionError: the other side has closed.
        """
        return await self._ask(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n{self._headers}\r\n".encode())

    async def post(self, path: str, body: bytes) -> HttpAnswer:
        """A body of JSON; raises as `get` does."""
        return await self._ask(self._posted(path, body))

    def begin(self, path: str, body: bytes, unsent_bytes: int = 0) -> None:
        """Post, for an answer that nobody waits for; so much of the body never comes."""
        if self._transport is not None:
            self._transport.write(self._posted(path, body, unsent_bytes))

    def close(self) -> None:
        """Hang up, once everything is sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Hang up at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(_END)
        if not end or self._answer is None:
            return
        head = head.lower()
        answer = HttpAnswer(int(head.split(maxsplit=2)[1]), head, body)
        if len(body) >= int(answer.header("content-length") or 0):
            self._received = b""
            if not self._answer.done():
                self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"closed without an answer: {exc}"))

    def _posted(self, path: str, body: bytes, unsent_bytes: int = 0) -> bytes:
        head = (
            f"POST {path} HTTP/1.1\r\nhost: localhost\r\n{self._headers}content-type: application/json\r\n"
            f"content-length: {len(body) + unsent_bytes}\r\n\r\n"
        )
        return head.encode() + body

    async def _ask(self, request: bytes) -> HttpAnswer:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer
