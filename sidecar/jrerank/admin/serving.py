"""Runs the HTTP server until SIGTERM."""

from __future__ import annotations

import asyncio
import socket

import uvicorn

from jrerank.assembly import running_service
from jrerank.doors.http.app import make_app
from jrerank.errors import ConfigurationError
from jrerank.settings import Settings
from jrerank.telemetry import configure_logging, logger

_LOG = logger(__name__)
_BACKLOG = 2048


def serve(settings: Settings) -> None:
    """Load the model, then listen; on SIGTERM or SIGINT finish what is open and stop.

    Raises:
        ConfigurationError: something isn't set up right; nothing has been listened on.
    """
    configure_logging(settings.log_level, settings.log_format)
    settings.check_bind()
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    with _bound_socket(settings.host, settings.port) as listener:
        async with running_service(settings) as service:
            config = uvicorn.Config(
                make_app(service),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=settings.drain_s,
                backlog=_BACKLOG,
            )
            listener.listen(_BACKLOG)
            host, port = listener.getsockname()[:2]
            _LOG.info("listening", host=host, port=port)
            await uvicorn.Server(config).serve(sockets=[listener])


def _bound_socket(host: str, port: int) -> socket.socket:
    """Bind before the model is loaded, so that a taken port is told at once; listening comes after."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on: {error.strerror}; choose another --port"
        ) from error
    return bound
