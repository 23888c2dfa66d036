"""One client's connection, from its first byte to its last."""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
import time
from typing import Any

import pydantic_core

from jrerank.doors.native import hits_answer, read_hits
from jrerank.doors.pgwire import messages
from jrerank.doors.pgwire.auth import MECHANISM, Exchange, Verifiers
from jrerank.doors.pgwire.faults import Cancelled, Fault, fault_of
from jrerank.doors.pgwire.messages import CancelRequest, EncryptionRequest, ProtocolViolation, Startup
from jrerank.doors.pgwire.statements import (
    Begin,
    End,
    Nothing,
    Part,
    Ping,
    Rerank,
    Set,
    Statement,
    Unknown,
    read_statement,
)
from jrerank.doors.service import Service
from jrerank.errors import InputTooLong, NotAuthorized

# Before a client has proved who it is, it may neither send much nor wait long
_LOGIN_BYTES = 10_000
_LOGIN_TIMEOUT_S = 10.0
# Once a message has begun, the rest has to follow; between messages a connection may idle for ever
_MESSAGE_TIMEOUT_S = 30.0
_WRITE_TIMEOUT_S = 30.0
_PARAMETERS = {
    "server_version": "16.0 (jrerank)",
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",  # without it, dblink sends a SET first
    "DateStyle": "ISO, MDY",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
}


class Connection:
    """Reads messages and answers them, one after the other."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        service: Service,
        verifiers: Verifiers | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._service = service
        self._verifiers = verifiers
        self._tls = tls
        self._parts: list[str] = []
        self._in_transaction = False
        self._skipping = False
        self._work: asyncio.Task[bytes] | None = None
        self._cancelled = False
        self._caller = ""
        self.process_id = secrets.randbelow(2**31 - 1) + 1
        self.secret = os.urandom(4)

    @property
    def busy(self) -> bool:
        """Whether a query is being answered."""
        return self._work is not None

    def cancel(self) -> None:
        """Stop the query that is being answered, if there is one."""
        if self._work is not None:
            self._cancelled = True
            self._work.cancel()

    async def open(self) -> CancelRequest | None:
        """Startup, TLS and login; or the cancel request that came instead.

        Raises:
            ProtocolViolation: the client broke the protocol, or took too long.
            NotAuthorized: it knows no key.
            EOFError: it has gone.
        """
        try:
            async with asyncio.timeout(_LOGIN_TIMEOUT_S):
                first = await self._startup()
                if isinstance(first, CancelRequest):
                    return first
                if self._verifiers is not None:
                    await self._login(self._verifiers)
        except TimeoutError:
            raise ProtocolViolation(f"no login within {_LOGIN_TIMEOUT_S:g} s") from None
        greeting = b"".join(messages.parameter_status(*parameter) for parameter in _PARAMETERS.items())
        key = messages.backend_key_data(self.process_id, self.secret)
        await self._send(messages.authentication(0) + greeting + key + messages.ready_for_query(False))
        return None

    async def serve(self) -> None:
        """Answer queries until the client leaves.

        Raises:
            ProtocolViolation: the client broke the protocol.
            EOFError: it has gone without a word.
        """
        upcoming = asyncio.ensure_future(self._message())
        try:
            while True:
                kind, body = await upcoming
                if kind == b"X":
                    return
                # Reading on while a query runs is how a client that leaves is noticed
                upcoming = asyncio.ensure_future(self._message())
                if reply := await self._reply(kind, body, upcoming):
                    await self._send(reply)
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)

    async def refuse(self, fault: Fault) -> None:
        """Say what is wrong; the connection is closed afterwards."""
        await self._send(messages.error_response(fault.sqlstate, fault.message, fatal=True))

    async def _startup(self) -> Startup | CancelRequest:
        while True:
            first = messages.parse_first(await self._body(_LOGIN_BYTES))
            if isinstance(first, Startup):
                if first.protocol != messages.PROTOCOL_3:
                    raise ProtocolViolation("protocol 3 is spoken here")
                self._caller = _peer(self._writer)
                return first
            if isinstance(first, CancelRequest):
                return first
            await self._encrypt(first)

    async def _encrypt(self, request: EncryptionRequest) -> None:
        if not request.tls or self._tls is None:
            await self._send(b"N")
            return
        # What came in clear text before the handshake must not count as said under TLS (CVE-2021-23214)
        if self._reader._buffer:  # type: ignore[attr-defined]
            raise ProtocolViolation("data before the TLS handshake")
        await self._send(b"S")
        try:
            await self._writer.start_tls(self._tls)
        except (ssl.SSLError, ConnectionError) as error:
            raise EOFError(f"TLS: {error}") from None

    async def _login(self, verifiers: Verifiers) -> None:
        exchange = Exchange(verifiers)
        await self._send(messages.authentication(10, f"{MECHANISM}\0\0".encode()))
        mechanism, first = messages.sasl_initial_response(await self._sasl())
        if mechanism != MECHANISM:
            raise ProtocolViolation(f"{MECHANISM} is spoken here")
        await self._send(messages.authentication(11, exchange.challenge(first)))
        final, self._caller = exchange.conclude(await self._sasl())
        await self._send(messages.authentication(12, final))

    async def _sasl(self) -> bytes:
        kind = await self._reader.readexactly(1)
        if kind != b"p":
            raise NotAuthorized
        return await self._body(_LOGIN_BYTES)

    async def _message(self) -> tuple[bytes, bytes]:
        kind = await self._reader.readexactly(1)
        try:
            async with asyncio.timeout(_MESSAGE_TIMEOUT_S):
                return kind, await self._body(self._service.limits.body_bytes)
        except TimeoutError:
            raise ProtocolViolation(
                f"half a message, and no more of it within {_MESSAGE_TIMEOUT_S:g} s"
            ) from None

    async def _body(self, limit_bytes: int) -> bytes:
        length = int.from_bytes(await self._reader.readexactly(4), "big", signed=True) - 4
        if not 0 <= length <= limit_bytes:
            raise ProtocolViolation(f"a message of {length} bytes; at most {limit_bytes} are accepted")
        return await self._reader.readexactly(length)

    async def _reply(self, kind: bytes, body: bytes, gone: asyncio.Future[tuple[bytes, bytes]]) -> bytes:
        if kind == b"S":
            self._skipping = False
            return messages.ready_for_query(self._in_transaction)
        if self._skipping:
            return b""
        if kind != b"Q":
            # Parse, Bind and the like: after an error everything is skipped up to Sync
            self._skipping = True
            return messages.error_response(
                "0A000", "only simple queries are spoken here", hint="Send the text without parameters."
            )
        return await self._query(messages.text_of(body), gone) + messages.ready_for_query(
            self._in_transaction
        )

    async def _query(self, text: str, gone: asyncio.Future[tuple[bytes, bytes]]) -> bytes:
        arrival = time.monotonic()
        statement = read_statement(text, continued=bool(self._parts))
        try:
            if isinstance(statement, Rerank):
                return await self._watched(statement, arrival, gone)
            return self._courtesy(statement)
        except EOFError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the client gets an error and the connection lives on
            self._parts.clear()
            fault = fault_of(error)
            return messages.error_response(fault.sqlstate, fault.message, hint=fault.hint)

    def _courtesy(self, statement: Statement) -> bytes:  # noqa: PLR0911
        match statement:
            case Part(json):
                return self._collect(json)
            case Nothing():
                return messages.empty_query()
            case Ping():
                return messages.rows("?column?", messages.TEXT_OID, ["1"]) + messages.command_complete(
                    "SELECT 1"
                )
            case Begin():
                self._in_transaction = True
                return messages.command_complete("BEGIN")
            case End(tag):
                self._in_transaction = False
                return messages.command_complete(tag)
            case Set(tag):
                return messages.command_complete(tag)
            case Rerank() | Unknown():
                return messages.error_response(
                    "42601",
                    "this is not a database",
                    hint='Send a request as JSON: {"query": "...", "hits": [{"id": "1", "text": "..."}]}',
                )

    def _collect(self, json: str) -> bytes:
        self._parts.append(json)
        limit = self._service.limits.body_bytes
        if sum(map(len, self._parts)) > limit:
            raise InputTooLong(f"the parts together have more than {limit} bytes")
        return messages.command_complete("PART")

    async def _watched(
        self, statement: Rerank, arrival: float, gone: asyncio.Future[tuple[bytes, bytes]]
    ) -> bytes:
        """Rerank for as long as the client is there and does not cancel."""
        body = "".join([*self._parts, statement.json]).encode()
        self._parts.clear()
        self._cancelled = False
        self._work = asyncio.ensure_future(self._rerank(body, arrival))
        try:
            either: list[asyncio.Future[Any]] = [self._work, gone]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not self._work.done() and (gone.exception() is not None or gone.result()[0] == b"X"):
                self._service.metrics.requests.labels("pgwire", "abandoned").inc()
                raise EOFError
            return await self._work
        except asyncio.CancelledError:
            if self._cancelled:
                raise Cancelled from None
            raise
        finally:
            self._work.cancel()
            self._work = None

    async def _rerank(self, body: bytes, arrival: float) -> bytes:
        service = self._service
        request = read_hits(body).to_request(service.limits, arrival, service.timeout_ms, self._caller)
        ranking = await service.reranker.rerank(request)
        service.note("pgwire", request, ranking, arrival)
        answer = pydantic_core.to_json(hits_answer(ranking, service.info.model, arrival)).decode()
        return messages.rows("answer", messages.JSON_OID, [answer]) + messages.command_complete("SELECT 1")

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        try:
            async with asyncio.timeout(_WRITE_TIMEOUT_S):
                await self._writer.drain()
        except (TimeoutError, ConnectionError):
            raise EOFError("the client does not read") from None


def _peer(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""
