"""Without keys a page in somebody's browser must not ask: a name that it controls may lead to this machine (DNS rebinding)."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from fastapi import Request

from jrerank.doors.service import Service
from jrerank.errors import Forbidden


def check_origin(request: Request, service: Service) -> None:
    """Where no key is needed, let requests through that name this machine, and that no foreign page has made.

    Raises:
        Forbidden: another name stands as the host, or a page of elsewhere is behind it.
    """
    if service.keys:
        return
    host = request.headers.get("host")
    if host is not None and not _is_loopback(f"//{host}"):
        raise Forbidden(
            f"without an API key only loopback names are hosts, not {host[:100]!r}: set JRERANK_API_KEYS"
        )
    origin = request.headers.get("origin")
    if origin is not None and not {origin, "*"} & set(service.cors_origins) and not _is_loopback(origin):
        raise Forbidden(f"without an API key pages of {origin[:100]!r} may not ask: see JRERANK_CORS_ORIGINS")


def _is_loopback(url: str) -> bool:
    try:
        name = urlsplit(url).hostname or ""
        return name == "localhost" or name.endswith(".localhost") or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
