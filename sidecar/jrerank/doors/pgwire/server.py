"""Listens, and keeps the conversations: for cancel requests, for their number, and for the end."""

from __future__ import annotations

import asyncio
import hmac
import math
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from functools import partial
from pathlib import Path

import structlog

from jrerank.doors.accepting import BACKLOG, accepted_at_once, most_open_files
from jrerank.doors.pgwire.auth import Verifiers
from jrerank.doors.pgwire.channel import Channel, WatchedReader
from jrerank.doors.pgwire.conversation import Conversation
from jrerank.doors.pgwire.faults import Fault, ShuttingDown, TooManyConnections, fault_of
from jrerank.doors.pgwire.kept_statements import KeptStatements, most_kept_bytes
from jrerank.doors.pgwire.login import Access, log_in
from jrerank.doors.pgwire.logins import Logins, PendingLogin
from jrerank.doors.pgwire.messages import CancelRequest
from jrerank.doors.service import Service
from jrerank.errors import ConfigurationError
from jrerank.fairness.caller import STRANGERS, Owner, on_behalf_of
from jrerank.fairness.loop import turn_of
from jrerank.telemetry import logger

_LOG = logger(__name__)
# A client that sends a part to a stopped sidecar must not hang in its write: what fits in here, the kernel takes
_RECEIVE_BUFFER_BYTES = 1024 * 1024
# Before it has logged in, it shall find out that the sidecar has stopped: see `login.PROBE_BYTES`
_LOGIN_BUFFER_BYTES = 64 * 1024


def tls_context(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    """For clients that ask for TLS.

    Raises:
        ConfigurationError: a file is missing, or isn't what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # The password: otherwise an encrypted key would be asked about on the terminal
        context.load_cert_chain(cert_file, key_file, password="")
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"JRERANK_PGWIRE_TLS_CERT_FILE, JRERANK_PGWIRE_TLS_KEY_FILE: {error}"
        ) from error
    return context


# asyncio gives every TLS connection a buffer of 256 KiB, which is too much for thousands that idle
_TLS_BUFFER_BYTES = 16 * 1024
_SHUTTING_DOWN, _DISPLACED = fault_of(ShuttingDown()), fault_of(TooManyConnections())
_EXPECTED = {_SHUTTING_DOWN.kind, "probe"}
# Refusals cost their sender next to nothing; lines of log would fill a disk
_LOG_PAUSE_S = 1.0


def logins_beside(max_connections: int) -> int:
    """How many connections may be logging in while `max_connections` have: a client has to come in to hear that none is free."""
    return math.ceil(max_connections / 10)


class PgWireServer:
    """The PostgreSQL-wire door over one service. `max_connections` are logged in at the same time at most."""

    def __init__(self, service: Service, tls: ssl.SSLContext | None, max_connections: int) -> None:
        self._service = service
        self._access = Access(Verifiers(service.keys) if service.keys else None, tls)
        self._max_connections = max_connections
        self._logins = Logins()
        self._kept = KeptStatements(most_kept_bytes(service.limits.open_body_bytes))
        self._next_log_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._conversations: dict[int, tuple[Conversation, asyncio.Task[None]]] = {}
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Accept connections on a bound socket."""
        # Connections inherit all of these
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _LOGIN_BUFFER_BYTES)
        # asyncio doesn't set it for a socket that was bound without naming its protocol: the end of a login would wait 40 ms
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A client whose machine is switched off would otherwise stay for ever
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self._access.tls is not None:
            SSLProtocol.max_size = _TLS_BUFFER_BYTES
        loop = asyncio.get_running_loop()
        at_once = accepted_at_once(most_open_files())
        with on_behalf_of(STRANGERS):
            self._server = await loop.create_server(self._protocol, sock=listener, backlog=at_once)
        listener.listen(BACKLOG)  # asyncio has one number for both

    async def close(self, drain_s: float) -> None:
        """Accept no more, let open queries finish for at most `drain_s`, and close every connection."""
        if self._server is None:
            return
        self._server.close()
        await turn_of(STRANGERS)  # whoever came last has begun, so that it is told
        busy = {task for one, task in self._conversations.values() if one.busy}
        for conversation, _ in self._conversations.values():
            conversation.finish()
        for task in self._tasks - busy:
            task.cancel()
        if busy:
            await asyncio.wait(busy, timeout=drain_s)
        for task in busy:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        reader = WatchedReader()
        protocol = asyncio.StreamReaderProtocol(
            reader, lambda _, writer: self._accept(Channel(reader, writer))
        )
        protocol.owner = Owner()  # type: ignore[attr-defined]
        return protocol

    def _accept(self, channel: Channel) -> None:
        places = self._max_connections + logins_beside(self._max_connections)
        login = self._logins.begin(channel.peer, places - len(self._conversations))
        task = asyncio.ensure_future(self._converse(channel, login))
        # Soon, not now: a task that is cancelled before its first step would not even close its connection
        login.stop = partial(asyncio.get_running_loop().call_soon, task.cancel)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, channel: Channel, login: PendingLogin) -> None:
        try:
            await self._serve(channel, login)
        except (EOFError, ConnectionError):
            pass  # the client has gone, which is its right
        except asyncio.CancelledError:
            self._turn_away(channel, _DISPLACED if login.displaced else _SHUTTING_DOWN)
        except Exception as error:  # noqa: BLE001  one connection's trouble is no other's
            self._turn_away(channel, fault_of(error))
        finally:
            self._logins.end(login)
            await channel.close()

    def _turn_away(self, channel: Channel, fault: Fault) -> None:
        if fault.kind not in _EXPECTED:
            self._service.metrics.refusals.labels("pgwire", fault.kind).inc()
            self._log_refusal(channel, fault)
        channel.send_last(fault.encoded(fatal=True))

    def _log_refusal(self, channel: Channel, fault: Fault) -> None:
        """One line a second; the metrics count them all."""
        now = asyncio.get_running_loop().time()
        if now >= self._next_log_s:
            self._next_log_s = now + _LOG_PAUSE_S
            _LOG.warning("connection_refused", door="pgwire", sqlstate=fault.sqlstate, peer=channel.peer)

    async def _serve(self, channel: Channel, login: PendingLogin) -> None:
        entry = await log_in(channel, self._access)
        self._logins.end(login)
        if isinstance(entry, CancelRequest):
            self._cancel(entry)
            return
        if len(self._conversations) >= self._max_connections:
            raise TooManyConnections
        channel.trust(entry.caller, _RECEIVE_BUFFER_BYTES)
        with on_behalf_of(entry.caller):
            await self._talk(Conversation(channel, self._service, entry, self._kept))

    async def _talk(self, conversation: Conversation) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  this is a coroutine
        self._conversations[conversation.process_id] = conversation, task
        self._service.metrics.pgwire_connections.set(len(self._conversations))
        try:
            with structlog.contextvars.bound_contextvars(connection=conversation.process_id):
                await conversation.run()
        finally:
            del self._conversations[conversation.process_id]
            self._service.metrics.pgwire_connections.set(len(self._conversations))

    def _cancel(self, request: CancelRequest) -> None:
        conversation, _ = self._conversations.get(request.process_id, (None, None))
        if conversation is not None and hmac.compare_digest(conversation.secret, request.secret):
            conversation.cancel()
