"""Runs the doors until SIGTERM: HTTP, and the PostgreSQL wire where it has a port."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from types import FrameType
from typing import Literal

import uvicorn

from jrerank import __version__
from jrerank.allocator import resident_bytes, return_freed_memory, return_large_blocks
from jrerank.assembly import running_service
from jrerank.doors.accepting import BACKLOG, accepted_at_once, most_open_files, rounds_to_accept
from jrerank.doors.freed_memory import keep_returning
from jrerank.doors.http.app import make_app
from jrerank.doors.pgwire.server import PgWireServer, logins_beside, tls_context
from jrerank.doors.refusals import Refusals
from jrerank.doors.service import Service
from jrerank.errors import ConfigurationError
from jrerank.fairness.caller import HOUSE, STRANGERS, on_behalf_of
from jrerank.fairness.loop import FairEventLoop, turn_of
from jrerank.settings import Settings
from jrerank.telemetry import configure_logging, logger, start_tracing
from jrerank.thread_priority import run_promptly

_LOG = logger(__name__)
# Of the time to drain; the rest is for writing the answers
_SCORING_SHARE = 0.8
# What isn't a client's connection: the listeners, stores, logs, the model's files
_OWN_FILES = 256
# Longer than the clients' pools and proxies keep theirs, so that it is not us who hang up just as a request is sent
_KEEP_ALIVE_S = 75
_SWITCH_INTERVAL_S = 0.001
# Of what all open bodies may take: what has been read of requests, and not looked at yet
UNPARSED_SHARE = 8
# Rounds of the event loop from a connection that is accepted to its first bytes
_ROUNDS_TO_READ = 5
# How long that may take, and how much of the drain at most: strangers without end would keep it from beginning
_MOST_LETTING_IN_S, _LETTING_IN_SHARE = 2.0, 0.25
# Of the garbage collector's generations; the last number was 10
_GC_THRESHOLDS = 700, 10, 1_000
# Up to which of them is collected
_YOUNG, _WHOLE = 1, 2


def serve(settings: Settings) -> None:
    """Load the model, then listen; on SIGTERM or SIGINT finish what is open and stop.

    Raises:
        ConfigurationError: something isn't set up right; nothing has been listened on.
    """
    configure_logging(settings.log_level, settings.log_format)
    settings.check_bind()
    # Until uvicorn takes the signals over, they end the process; everything that is open is closed in order
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: sys.exit(0))
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal is no reason to stop serving
    _open_as_many_files_as_allowed()
    return_large_blocks()
    stop_tracing = start_tracing(__version__)
    try:
        # On Windows only asyncio's own has room for more than some 500 connections
        with asyncio.Runner(loop_factory=None if sys.platform == "win32" else FairEventLoop) as runner:
            runner.run(_serve(settings))
    finally:
        stop_tracing()


async def _serve(settings: Settings) -> None:
    with ExitStack() as sockets:
        http_socket = sockets.enter_context(_bound_socket(settings.host, settings.port, "--port"))
        pgwire_socket = None
        if settings.pgwire_port is not None:
            bound = _bound_socket(settings.host, settings.pgwire_port, "--pgwire-port")
            pgwire_socket = sockets.enter_context(bound)
        tls = tls_context(*files) if (files := settings.pgwire_tls_files()) else None
        most_http, most_pgwire = _most_connections(settings, most_open_files())
        async with running_service(settings) as service, _returning_memory(service):
            pgwire = PgWireServer(service, tls, most_pgwire)
            if pgwire_socket is not None:
                await pgwire.start(pgwire_socket)
                _say_listening("pgwire_listening", pgwire_socket)
            await _serve_http(settings, service, http_socket, pgwire, most_http)


@asynccontextmanager
async def _returning_memory(service: Service) -> AsyncIterator[None]:
    give_back = partial(_give_back, service)
    task = asyncio.create_task(keep_returning(service.bodies, resident_bytes, give_back))
    try:
        yield
    finally:
        task.cancel()


async def _serve_http(
    settings: Settings,
    service: Service,
    listener: socket.socket,
    pgwire: PgWireServer,
    max_connections: int,
) -> None:
    config = uvicorn.Config(
        make_app(service),
        http=_http_protocol(max_connections, service.limits.open_body_bytes),
        reset_contextvars=True,  # else a request that waited starts with the trace of the one whose answer let it start
        ws="none",  # an offer of WebSocket would put the request's headers, key and all, into the debug log
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.drain_s,
        backlog=accepted_at_once(most_open_files()),
    )
    # Connections inherit it. Without it an answer's body waits for the client to acknowledge the head: 40 ms
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    listener.listen(BACKLOG)
    _say_listening("listening", listener)
    _favour_the_event_loop()
    await _Server(config, service, pgwire).serve(sockets=[listener])


async def _give_back(service: Service, is_after_large: bool) -> None:
    """What is remembered lies close together before what is free around it goes."""
    await service.compact()
    await service.large.run(_return_unused, _WHOLE if is_after_large else _YOUNG)


def _return_unused(generation: int) -> None:
    """Only a whole collection empties the interpreter's lists of free objects, which lie among what was in memory with them.

    It holds the interpreter 30 ms where the cache of scores is full: once after a time of large requests, and not where the process
    has merely grown, which it also does while that cache fills.
    """
    gc.collect(generation)
    return_freed_memory()


def _http_protocol(max_connections: int, open_body_bytes: int) -> type[asyncio.Protocol] | Literal["h11"]:
    """Ours over httptools; where that isn't to be had, h11, which is slower and bounds less."""
    try:
        from jrerank.doors.http.bounded_http1 import BoundedHttp1Protocol  # noqa: PLC0415
        from jrerank.doors.http.idle_connections import IdleConnections  # noqa: PLC0415
        from jrerank.doors.http.starting_turns import StartingTurns  # noqa: PLC0415
        from jrerank.doors.http.unparsed import UnparsedBytes  # noqa: PLC0415
    except ImportError:
        return "h11"
    unparsed_bytes = UnparsedBytes(open_body_bytes // UNPARSED_SHARE)
    own = {
        "max_connections": max_connections,
        "idle": IdleConnections(),
        "starting_turns": StartingTurns(),
        "refusals": Refusals(),
        "unparsed_bytes": unparsed_bytes,
    }
    return type("_Protocol", (BoundedHttp1Protocol,), own)


def _most_connections(settings: Settings, open_files: int) -> tuple[int, int]:
    """Of HTTP and of the PostgreSQL wire: as many as are wanted, or what open files allow, in the same proportion.

    Some files are left for everything else, and half of them where there are few.
    """
    http, pgwire = settings.max_connections, settings.pgwire_max_connections
    wire_sockets = 0 if settings.pgwire_port is None else pgwire + logins_beside(pgwire)
    wanted = http + wire_sockets
    places = min(wanted, max(open_files - _OWN_FILES, open_files // 2))
    return max(1, http * places // wanted), max(1, pgwire * places // wanted)


class _Server(uvicorn.Server):
    """Uvicorn ends the process as soon as it is done, so that the other door has to close together with its own."""

    def __init__(self, config: uvicorn.Config, service: Service, pgwire: PgWireServer) -> None:
        super().__init__(config)
        self._service = service
        self._pgwire = pgwire

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain, however often it is said: uvicorn would answer open requests with 500 at the second signal."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; as many may wait to be accepted as before asyncio listened."""
        with on_behalf_of(STRANGERS):  # for whom connections are accepted
            await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain both doors at the same time; what would take longer is answered with what has been scored.

        Who had come before the signal is let in first: a process that gets little CPU may not have looked for seconds.
        """
        drain_s = float(self.config.timeout_graceful_shutdown or 0)
        with suppress(TimeoutError):
            async with asyncio.timeout(min(_MOST_LETTING_IN_S, _LETTING_IN_SHARE * drain_s)):
                await self._let_in(sockets or ())
        asyncio.get_running_loop().call_later(_SCORING_SHARE * drain_s, self._service.cut_off)
        await asyncio.gather(super().shutdown(sockets), self._pgwire.close(drain_s))

    async def _let_in(self, sockets: Sequence[socket.socket]) -> None:
        rounds = [rounds_to_accept(listener, self.config.backlog) for listener in sockets]
        for _ in range(max(rounds, default=0) + _ROUNDS_TO_READ):
            await turn_of(HOUSE)
            await turn_of(STRANGERS)


def _favour_the_event_loop() -> None:
    """Let nothing else run for long while somebody waits for an answer.

    A full garbage collection looked at some 100,000 objects that live as long as the process: 20 ms. One in the middle of a large
    request looks at as many of the request's: it comes when the request has gone. A thread that is computing lets the event loop in
    after 1 ms, not 5, and one of any process on its core at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    run_promptly()


def _open_as_many_files_as_allowed() -> None:
    """The soft limit is often 1,024, for the sake of programs that use select(); each connection takes one."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  Unix only

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # where "unlimited" is not a number that the system takes
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _say_listening(event: str, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    _LOG.info(event, host=host, port=port)


def _bound_socket(host: str, port: int, option: str) -> socket.socket:
    """Bind before the model is loaded, so that a taken port is told at once; listening comes after."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on: {error.strerror}; choose another {option}"
        ) from error
    return bound
