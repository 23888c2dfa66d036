"""Listens, and keeps the connections: for cancel requests, for their number, and for the end."""

from __future__ import annotations

import asyncio
import hmac
import socket
import ssl
from pathlib import Path

from jrerank.doors.pgwire.auth import Verifiers
from jrerank.doors.pgwire.connection import Connection
from jrerank.doors.pgwire.faults import Fault, fault_of
from jrerank.doors.pgwire.messages import CancelRequest, ProtocolViolation
from jrerank.doors.service import Service
from jrerank.errors import ConfigurationError, NotAuthorized
from jrerank.telemetry import logger

_LOG = logger(__name__)
_BACKLOG = 2048
_BUSY_POLL_S = 0.05
# A client that sends a long part to a stopped sidecar must not hang in its write: what fits in here, the kernel takes
_RECEIVE_BUFFER_BYTES = 1024 * 1024


def tls_context(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    """For clients that ask for TLS.

    Raises:
        ConfigurationError: a file is missing, or isn't what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert_file, key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"JRERANK_PGWIRE_TLS_CERT_FILE, JRERANK_PGWIRE_TLS_KEY_FILE: {error}"
        ) from error
    return context


class PgWireServer:
    """The PostgreSQL-wire door over one service."""

    def __init__(self, service: Service, tls: ssl.SSLContext | None, max_connections: int) -> None:
        self._service = service
        self._verifiers = Verifiers(service.keys) if service.keys else None
        self._tls = tls
        self._max_connections = max_connections
        self._open: dict[int, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Accept connections on a bound socket."""
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self._server = await asyncio.start_server(self._accept, sock=listener, backlog=_BACKLOG)

    async def close(self, drain_s: float) -> None:
        """Accept no more, let open queries finish for at most `drain_s`, and close every connection."""
        if self._server is None:
            return
        self._server.close()
        deadline = asyncio.get_running_loop().time() + drain_s
        # Polled: nothing tells when the last one is done
        while any(one.busy for one in self._open.values()) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_BUSY_POLL_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, self._service, self._verifiers, self._tls)
        try:
            await self._serve(connection)
        except (EOFError, ConnectionError):
            pass  # the client has gone, which is its right
        except Exception as error:  # noqa: BLE001  one connection's trouble is no other's
            _LOG.error("pgwire_failed", error=type(error).__name__, exc_info=error)
        finally:
            self._open.pop(connection.process_id, None)
            writer.close()

    async def _serve(self, connection: Connection) -> None:
        try:
            if len(self._tasks) > self._max_connections:
                await connection.refuse(Fault("53300", "too many connections"))
                return
            request = await connection.open()
            if request is not None:
                self._cancel(request)
                return
            self._open[connection.process_id] = connection
            await connection.serve()
        except ProtocolViolation as error:
            await connection.refuse(Fault("08P01", str(error)))
        except NotAuthorized as error:
            _LOG.warning("pgwire_login_refused")
            await connection.refuse(fault_of(error))

    def _cancel(self, request: CancelRequest) -> None:
        target = self._open.get(request.process_id)
        if target is not None and hmac.compare_digest(target.secret, request.secret):
            target.cancel()
