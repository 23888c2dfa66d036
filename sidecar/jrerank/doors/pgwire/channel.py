"""Bytes from and to one client: whole messages, limits, time limits, TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import SupportsIndex

from jrerank.doors.pgwire.messages import ProtocolViolation
from jrerank.errors import InputTooLong, JrerankError
from jrerank.fairness.caller import Owner

# Once a message has begun, the rest has to follow; between messages a connection may idle for ever
MESSAGE_TIMEOUT_S = 30.0
_WRITE_TIMEOUT_S = 30.0
_CLOSE_TIMEOUT_S = 2.0
_CHUNK_BYTES = 64 * 1024
# What is read at once from a client that has not logged in, whose messages are shorter than that
_STRANGER_CHUNK_BYTES = 4 * 1024


Take = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Message:
    """`arrival` is when its first byte was there and no message before it was being answered, on the clock of `time.monotonic()`;
    `refusal` why its body is not.
    """

    kind: bytes
    body: bytes
    arrival: float
    refusal: JrerankError | None = None


class WatchedReader(asyncio.StreamReader):
    """`gone` is done when the client has left, even while what it sent before has not been read.

    `came_at` is when the first of the bytes that wait here came, or of those that waited last, on the clock of `time.monotonic()`.
    """

    def __init__(self) -> None:
        super().__init__(limit=_STRANGER_CHUNK_BYTES)
        self.came_at = 0.0
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def hold(self, limit_bytes: int) -> None:
        """Read on from the client until twice as many bytes wait here."""
        self._limit = limit_bytes

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Something has been read."""
        if not self._buffer:  # type: ignore[attr-defined]
            self.came_at = time.monotonic()
        super().feed_data(data)

    def feed_eof(self) -> None:
        """The client has closed its side."""
        super().feed_eof()
        self._leave()

    def set_exception(self, exc: Exception) -> None:
        """The connection is broken."""
        super().set_exception(exc)
        self._leave()

    def _leave(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)


class Channel:
    """One client's connection. Every method raises EOFError or ConnectionError when the client has gone."""

    def __init__(self, reader: WatchedReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.encrypted = False
        self._socket_transport = writer.transport
        _read_at_once(self._socket_transport, _STRANGER_CHUNK_BYTES)

    @property
    def gone(self) -> asyncio.Future[None]:
        """Done when the client has left."""
        return self._reader.gone

    @property
    def peer(self) -> str:
        """The client's address."""
        peer = self._writer.get_extra_info("peername")
        return str(peer[0]) if isinstance(peer, tuple) else ""

    async def kind(self) -> bytes:
        """What a message begins with, but for the first ones."""
        return await self._reader.readexactly(1)

    async def body(self, limit_bytes: int) -> bytes:
        """What follows a message's kind.

        Raises:
            ProtocolViolation: its length is negative, or beyond the limit.
        """
        return await self.exactly(await self.length(), limit_bytes)

    async def exactly(self, length: int, limit_bytes: int) -> bytes:
        """So many bytes.

        Raises:
            ProtocolViolation: that is beyond the limit.
        """
        if length > limit_bytes:
            raise ProtocolViolation(f"a message of {length} bytes; at most {limit_bytes} are accepted here")
        return await self._reader.readexactly(length)

    async def discard(self, length: int) -> None:
        """Read so many bytes without keeping them, and much at once: each read waits for a round of the event loop."""
        self._read_much_at_once()
        while length > 0:
            length -= len(await self._piece(length))

    def trust(self, caller: str, receive_bytes: int) -> None:
        """The client has logged in: let the kernel take that much from it before it is read, and read more at once."""
        owner = Owner(caller, is_known=True)
        for transport in (self._socket_transport, self._writer.transport):  # under TLS they are two
            transport.get_protocol().owner = owner  # type: ignore[attr-defined]
        self._read_much_at_once()
        self._widen_window(receive_bytes)

    def _read_much_at_once(self) -> None:
        self._reader.hold(_CHUNK_BYTES)
        _read_at_once(self._socket_transport, _CHUNK_BYTES)

    def _widen_window(self, receive_bytes: int) -> None:
        connected: socket.socket | None = self._writer.get_extra_info("socket")
        if connected is None or connected.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if sys.platform == "linux":  # where the window is still that of the smaller buffer
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, receive_bytes)

    async def message(self, limit_bytes: int, take: Take) -> Message:
        """The next message; `take` is told of each piece before it is kept.

        One beyond the limit, or that `take` raises for, is read to its end without being kept, so that the client hears of it.

        Raises:
            ProtocolViolation: its length is negative, or it stops half-way.
        """
        asked_at = time.monotonic()  # till now, the answer to another one was due
        kind = await self.kind()
        arrival = max(asked_at, self._reader.came_at)
        try:
            async with asyncio.timeout(MESSAGE_TIMEOUT_S):
                return await self._rest(kind, arrival, limit_bytes, take)
        except TimeoutError:
            raise ProtocolViolation(
                f"a message began, and did not end within {MESSAGE_TIMEOUT_S:g} s"
            ) from None

    async def send(self, data: bytes) -> None:
        """Write, and wait while the client takes its time to read; not for ever."""
        self._writer.write(data)
        try:
            async with asyncio.timeout(_WRITE_TIMEOUT_S):
                await self._writer.drain()
        except TimeoutError:
            raise EOFError("the client does not read") from None

    def send_last(self, data: bytes) -> None:
        """Write without waiting, before `close`."""
        self._writer.write(data)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Say yes to TLS, and go on with it.

        Raises:
            ProtocolViolation: the client did not wait for the answer.
        """
        # What came in clear text before the handshake must not count as said under TLS (CVE-2021-23214)
        if self._reader._buffer:  # type: ignore[attr-defined]
            raise ProtocolViolation("data before the TLS handshake")
        await self.send(b"S")
        try:
            await self._writer.start_tls(context)
        except OSError as error:  # the handshake failed: an SSLError is one
            raise EOFError(f"TLS: {error}") from None
        self.encrypted = True

    async def close(self) -> None:
        """Let the client have what was written, but don't wait long for one that doesn't read."""
        self._writer.close()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._writer.wait_closed()
        except OSError:  # also a TimeoutError
            self._writer.transport.abort()

    async def _rest(self, kind: bytes, arrival: float, limit_bytes: int, take: Take) -> Message:
        left, body = await self.length(), bytearray()
        try:
            if left > limit_bytes + 1:  # there is a zero byte at the end
                raise InputTooLong(f"the query is larger than {limit_bytes} bytes")
            while left > 0:
                piece = await self._piece(left)
                left -= len(piece)
                take(len(piece))
                body += piece
        except JrerankError as refusal:
            await self.discard(left)
            return Message(kind, b"", arrival, refusal)
        return Message(kind, bytes(body), arrival)

    async def _piece(self, left: int) -> bytes:
        piece = await self._reader.read(min(left, _CHUNK_BYTES))
        if not piece:
            raise EOFError
        return piece

    async def length(self) -> int:
        """Of the body that follows.

        Raises:
            ProtocolViolation: it is negative.
        """
        length = int.from_bytes(await self._reader.readexactly(4), "big", signed=True) - 4
        if length < 0:
            raise ProtocolViolation(f"a message's length of {length + 4}; it counts its own 4 bytes")
        return length


def _read_at_once(transport: asyncio.BaseTransport, limit_bytes: int) -> None:
    """asyncio reads up to 256 KiB at once, whoever sends it."""
    if hasattr(transport, "max_size"):  # that of selectors; others have no such bound
        transport.max_size = limit_bytes
