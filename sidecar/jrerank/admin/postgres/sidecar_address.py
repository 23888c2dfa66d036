"""The sidecar as the database reaches it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jrerank.admin.http_address import http_parts
from jrerank.errors import InvalidInput

_HOST_PORT = re.compile(r"\[?(?P<host>[^\s\[\]]+?)\]?:(?P<port>[0-9]{1,5})")
ADDRESS_OPTIONS = frozenset({"url", "host", "hostaddr", "port", "sslmode", "sslrootcert"})
_CONNECT_TIMEOUT_S = 2  # before PostgreSQL 16 dblink connects without looking at statement_timeout
_TCP_USER_TIMEOUT_MS = 2000  # a network that is gone; what has stopped is noticed by the functions themselves


@dataclass(frozen=True, slots=True)
class SidecarAddress:
    """Where it speaks HTTP, and where the PostgreSQL wire protocol; either may be missing."""

    url: str | None
    host: str | None
    port: int | None
    sslmode: str | None
    sslrootcert: str | None

    def http_options(self) -> dict[str, str]:
        """Of the foreign server, for the transport `http`."""
        return {} if self.url is None else {"url": self.url}

    def dblink_options(self) -> dict[str, str]:
        """Of the foreign server, for the transport `dblink`."""
        given = {
            "host": self.host,
            "port": self.port,
            "sslmode": self.sslmode,
            "sslrootcert": self.sslrootcert,
        }
        options = {name: str(value) for name, value in given.items() if value is not None}
        return options | {
            "connect_timeout": str(_CONNECT_TIMEOUT_S),
            "tcp_user_timeout": str(_TCP_USER_TIMEOUT_MS),
        }


def read_address(
    url: str | None, pgwire: str | None, sslmode: str | None, sslrootcert: str | None
) -> SidecarAddress:
    """From the command line.

    Raises:
        InvalidInput: an address is none, or there is none at all.
    """
    if url is None and pgwire is None:
        raise InvalidInput(
            "name the sidecar: --url http://HOST:8080, --pgwire HOST:PORT, or both", field="url"
        )
    found = None if pgwire is None else _HOST_PORT.fullmatch(pgwire)
    if pgwire is not None and (found is None or int(found["port"]) > 65535):
        raise InvalidInput(f"--pgwire {pgwire}: it must be HOST:PORT, such as 10.0.0.7:5433", field="pgwire")
    if found is None:
        return SidecarAddress(_checked(url), None, None, sslmode, sslrootcert)
    return SidecarAddress(_checked(url), found["host"], int(found["port"]), sslmode, sslrootcert)


def _checked(url: str | None) -> str | None:
    if url is None:
        return None
    parts = http_parts(url)
    if parts is None or parts.query or parts.username:
        raise InvalidInput(f"--url {url}: it must be like http://10.0.0.7:8080", field="url")
    return url.rstrip("/")
