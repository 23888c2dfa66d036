"""The messages of a client that has logged in, and what each is answered."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import ExitStack

from jrerank.doors.bodies import Share
from jrerank.doors.pgwire import extended, messages
from jrerank.doors.pgwire.channel import Channel, Message
from jrerank.doors.pgwire.faults import Fault, NotSpoken, ShuttingDown, fault_of
from jrerank.doors.pgwire.introspection import PARAMETERS
from jrerank.doors.pgwire.kept_statements import KeptStatements
from jrerank.doors.pgwire.login import Login
from jrerank.doors.pgwire.messages import ProtocolViolation
from jrerank.doors.pgwire.prepared import PreparedStatements
from jrerank.doors.pgwire.session import Session
from jrerank.doors.pgwire.statements import SessionStatement, column_of, is_placeholder
from jrerank.doors.service import Service
from jrerank.telemetry import logger

_LOG = logger(__name__)

_QUERY, _FUNCTION_CALL, _EXECUTE, _SYNC, _FLUSH, _TERMINATE = b"Q", b"F", b"E", b"S", b"H", b"X"
# What the client waits for an answer to; until then answers are collected, unless they become many
_AWAITED = {_QUERY, _FUNCTION_CALL, _SYNC, _FLUSH}
PARTS_TIMEOUT_S = 30
_MOST_UNSENT_BYTES = 64 * 1024


class Conversation:
    """Reads messages and answers them, one after the other. `process_id` and `secret` are what a client cancels with."""

    def __init__(self, channel: Channel, service: Service, login: Login, kept: KeptStatements) -> None:
        self.process_id = secrets.randbelow(2**31 - 1) + 1
        self.secret = os.urandom(4)
        self._answering = False
        self._channel = channel
        self._service = service
        self._session = Session(service, login, channel.gone)
        self._kept = ExitStack()
        self._prepared = PreparedStatements(self._kept.enter_context(service.bodies.share()), kept)
        self._kept.callback(self._prepared.forget_all)
        self._expiry: asyncio.TimerHandle | None = None
        self._unsent = bytearray()
        self._skipping = False
        self._finishing = False

    @property
    def busy(self) -> bool:
        """Whether the client waits for an answer, or is about to: what it has sent in part is no question yet."""
        return self._answering or bool(self._unsent)

    def cancel(self) -> None:
        """Stop the request that is being reranked, if there is one."""
        self._session.cancel()

    def finish(self) -> None:
        """Read no more once what is being answered has its answer."""
        self._finishing = True

    async def run(self) -> None:
        """Answer until the client leaves.

        Raises:
            ProtocolViolation: the client broke the protocol.
            ShuttingDown: somebody called `finish`.
            EOFError: the client has gone without a word.
        """
        try:
            await self._channel.send(self._greeting())
            while self.busy or not self._finishing:
                with self._service.bodies.share() as share:
                    if not await self._turn(share):
                        return
        finally:
            self._session.forget_parts()
            self._expire_soon(expire=False)
            self._kept.close()
        raise ShuttingDown

    async def _turn(self, share: Share) -> bool:
        message = await self._next(share)
        if message.kind == _TERMINATE:
            return False
        self._answering = True
        self._unsent += await self._answer(message, share)
        if message.kind in _AWAITED or len(self._unsent) > _MOST_UNSENT_BYTES:
            await self._send()
        self._answering = False
        self._expire_soon(expire=self._prepared.is_large)
        return True

    def _expire_soon(self, *, expire: bool) -> None:
        """A request that was prepared and not run yet holds memory, which nobody may keep for as long as they like."""
        if self._expiry is not None:
            self._expiry.cancel()
        later = asyncio.get_running_loop().call_later
        self._expiry = later(PARTS_TIMEOUT_S, self._prepared.forget_unnamed) if expire else None

    async def _next(self, share: Share) -> Message:
        # Parts count among the open bodies, so that they cannot be kept for as long as one likes
        timeout_s = PARTS_TIMEOUT_S if self._session.collects_parts else None
        try:
            async with asyncio.timeout(timeout_s):
                return await self._channel.message(self._service.limits.body_bytes, share.take_text)
        except TimeoutError:
            raise ProtocolViolation(f"no further part of a request within {timeout_s} s") from None

    def _greeting(self) -> bytes:
        status = b"".join(messages.parameter_status(*parameter) for parameter in PARAMETERS.items())
        key = messages.backend_key_data(self.process_id, self.secret)
        return messages.authentication(0) + status + key + self._ready()

    def _ready(self) -> bytes:
        return messages.ready_for_query(self._session.in_transaction)

    async def _send(self) -> None:
        unsent, self._unsent = bytes(self._unsent), bytearray()
        await self._channel.send(unsent)

    async def _answer(self, message: Message, share: Share) -> bytes:
        if message.kind == _SYNC:
            self._skipping = False
            self._prepared.forget_portals()
            return self._ready()
        if self._skipping:
            return b""
        ends_itself = message.kind in {_QUERY, _FUNCTION_CALL}
        try:
            answer = await self._dispatch(message)
            if len(answer) > _MOST_UNSENT_BYTES:
                share.take_text(len(answer))  # until the client has read it
        except (EOFError, ProtocolViolation):
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the client gets an error and the connection lives on
            # What belongs to a failed extended query is skipped up to its Sync
            self._skipping = not ends_itself
            answer = self._refuse(fault_of(error))
        return answer + self._ready() if ends_itself else answer

    def _refuse(self, fault: Fault) -> bytes:
        self._session.forget_parts()
        self._service.metrics.refusals.labels("pgwire", fault.kind).inc()
        # The message stays out of the log: it may quote the caller
        _LOG.info("refused", door="pgwire", sqlstate=fault.sqlstate, kind=fault.kind)
        return fault.encoded()

    async def _dispatch(self, message: Message) -> bytes:
        if message.refusal is not None:
            raise message.refusal
        if message.kind == _QUERY:
            return messages.whole_result(await self._run(messages.text_of(message.body), message.arrival))
        if message.kind == _EXECUTE:
            return await self._execute(extended.parse_execute(message.body), message.arrival)
        return self._prepare(message.kind, message.body)

    async def _run(self, text: str, arrival: float) -> messages.Result:
        statement = self._session.read(text)
        if isinstance(statement, SessionStatement) and statement.deallocates:
            self._prepared.forget(statement.deallocates)
        return await self._session.run(statement, arrival)

    async def _execute(self, name: str, arrival: float) -> bytes:
        portal = self._prepared.portal(name)
        result = await self._run(portal.text, arrival)
        row = b""
        if result.column is not None and result.has_row:
            row = messages.data_row(result.column, result.value, binary=portal.binary)
        return row + messages.completion(result.tag)

    def _prepare(self, kind: bytes, body: bytes) -> bytes:
        match kind:
            case b"P":
                self._prepared.parse(extended.parse_parse(body))
                return extended.PARSE_COMPLETE
            case b"B":
                self._prepared.bind(extended.parse_bind(body))
                return extended.BIND_COMPLETE
            case b"D":
                return self._description(extended.parse_named(body))
            case b"C":
                self._prepared.close(extended.parse_named(body))
                return extended.CLOSE_COMPLETE
            case _:
                return _other(kind)

    def _description(self, named: extended.Named) -> bytes:
        if named.portal:
            portal = self._prepared.portal(named.name)
            return self._columns(portal.text, binary=portal.binary)
        statement = self._prepared.statement(named.name)
        text = "{}" if is_placeholder(statement.text) else statement.text
        return extended.parameter_description(statement.type_oids) + self._columns(text)

    def _columns(self, text: str, *, binary: bool = False) -> bytes:
        column = column_of(self._session.read(text))
        return extended.NO_DATA if column is None else messages.row_description(column, binary=binary)


def _other(kind: bytes) -> bytes:
    if kind == _FLUSH:
        return b""
    if kind == _FUNCTION_CALL:
        raise NotSpoken("there are no functions to call")
    raise ProtocolViolation(f"a message of kind {kind!r}")
