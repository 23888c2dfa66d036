"""A client of the PostgreSQL wire protocol that can also misbehave, which libpq cannot."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ssl import SSLContext

from jrerank.doors.pgwire.server import PgWireServer
from jrerank.doors.service import Service

Reply = tuple[bytes, bytes]


def packet(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def startup(protocol: int = 3 << 16, /, **parameters: str) -> bytes:
    pairs = b"".join(name.encode() + b"\0" + value.encode() + b"\0" for name, value in parameters.items())
    return packet(b"", struct.pack("!i", protocol) + pairs + b"\0")


def query(text: str) -> bytes:
    return packet(b"Q", text.encode() + b"\0")


def fields(error: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse."""
    return {part[:1].decode(): part[1:].decode() for part in error.split(b"\0") if part}


def value(replies: Sequence[Reply]) -> str:
    """The only value of the only row."""
    (row,) = [body for kind, body in replies if kind == b"D"]
    return row[6:].decode()


def sqlstate(replies: Sequence[Reply]) -> str:
    """Of the only error."""
    (error,) = [body for kind, body in replies if kind == b"E"]
    return fields(error)["C"]


def kinds(replies: Sequence[Reply]) -> str:
    return b"".join(kind for kind, _ in replies).decode()


class LoginRefused(EOFError):  # noqa: N818
    """The server says no, and hangs up."""

    def __init__(self, error: bytes) -> None:
        self.sqlstate = fields(error)["C"]
        super().__init__(f"{self.sqlstate} {fields(error)['M']}")


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.process_id = 0
        self.secret = b""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def read(self) -> Reply:
        async with asyncio.timeout(20):
            kind = await self.reader.readexactly(1)
            length = int.from_bytes(await self.reader.readexactly(4), "big")
            return kind, await self.reader.readexactly(length - 4)

    async def until(self, last: bytes) -> list[Reply]:
        """Every message up to the first of kind `last`."""
        replies = [await self.read()]
        while replies[-1][0] != last:
            replies.append(await self.read())
        return replies

    async def rest(self) -> bytes:
        """What comes until the server hangs up."""
        async with asyncio.timeout(20):
            return await self.reader.read()

    async def log_in(self, password: str = "", **parameters: str) -> list[Reply]:
        """Up to the first ReadyForQuery.

        Raises:
            LoginRefused: with the SQLSTATE.
        """
        await self.send(startup(user="me", **parameters))
        if password:
            await self._prove(password)
        replies = [await self._welcome()]
        while replies[-1][0] != b"Z":
            replies.append(await self._welcome())
        key = next(body for kind, body in replies if kind == b"K")
        self.process_id, self.secret = int.from_bytes(key[:4], "big"), key[4:]
        return replies

    async def ask(self, text: str) -> list[Reply]:
        """A simple query, up to the ReadyForQuery after it."""
        await self.send(query(text))
        return await self.until(b"Z")

    async def _welcome(self) -> Reply:
        kind, body = await self.read()
        if kind == b"E":
            raise LoginRefused(body)
        return kind, body

    async def _prove(self, password: str) -> None:
        await self._welcome()
        scram = ScramClient(password)
        first = scram.first()
        await self.send(packet(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first))
        _, challenge = await self._welcome()
        await self.send(packet(b"p", scram.final(challenge[4:])))


@dataclass
class ScramClient:
    """RFC 5802's client side, with the empty user name that libpq sends."""

    password: str
    flag: bytes = b"n"
    nonce: bytes = b"fyko+d2lbbFgONRv9qkxdawL"
    expected: bytes = b""

    def first(self) -> bytes:
        return self.flag + b",,n=,r=" + self.nonce

    def final(self, server_first: bytes) -> bytes:
        said = dict(part.split(b"=", 1) for part in server_first.split(b","))
        salt, iterations = base64.b64decode(said[b"s"]), int(said[b"i"])
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = b"c=" + base64.b64encode(self.flag + b",,") + b",r=" + said[b"r"]
        message = b",".join([b"n=,r=" + self.nonce, server_first, without_proof])
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self.expected = b"v=" + base64.b64encode(hmac.digest(server_key, message, "sha256"))
        return without_proof + b",p=" + base64.b64encode(proof)


@dataclass(frozen=True)
class Door:
    """A PostgreSQL-wire door that listens."""

    server: PgWireServer
    port: int

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Wire]:
        """Before anything has been said."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()

    @asynccontextmanager
    async def logged_in(self, password: str = "") -> AsyncIterator[Wire]:
        async with self.connected() as wire:
            await wire.log_in(password)
            yield wire


@asynccontextmanager
async def open_door(
    service: Service, tls: SSLContext | None = None, max_connections: int = 100
) -> AsyncIterator[Door]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = PgWireServer(service, tls, max_connections)
        await server.start(listener)
        try:
            yield Door(server, listener.getsockname()[1])
        finally:
            await server.close(drain_s=0.0)
