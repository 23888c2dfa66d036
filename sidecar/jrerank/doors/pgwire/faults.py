"""What an error is called on the PostgreSQL wire: its SQLSTATE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jrerank.doors.pgwire.messages import error_response
from jrerank.errors import NotAuthorized, Unavailable
from jrerank.telemetry import logger

_LOG = logger(__name__)


class Cancelled(Exception):  # noqa: N818
    """canceling statement due to user request"""

    kind: ClassVar[str] = "cancelled"


class TooManyConnections(Exception):  # noqa: N818
    """too many connections"""

    kind: ClassVar[str] = "too_many_connections"


class ShuttingDown(Exception):  # noqa: N818
    """the sidecar is shutting down"""

    kind: ClassVar[str] = "shutting_down"


class NoSql(Exception):  # noqa: N818
    """this is not a database: a query is a request as JSON"""

    kind: ClassVar[str] = "no_sql"


class NotSpoken(Exception):  # noqa: N818
    """a statement has at most one parameter, which is the whole request: SELECT rerank($1)"""

    kind: ClassVar[str] = "not_spoken"


class Probed(Exception):  # noqa: N818
    """somebody reads here, which is all that a startup message of this size is to find out"""

    kind: ClassVar[str] = "probe"


class Locked(Exception):  # noqa: N818
    """this connection belongs to who locked it with PROVE"""

    kind: ClassVar[str] = "locked"


class UnknownName(Exception):  # noqa: N818
    """There is no prepared statement or portal of that name."""

    kind: ClassVar[str] = "unknown_name"


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as the client sees it; `kind` is what the metrics call it."""

    sqlstate: str
    kind: str
    message: str
    hint: str | None = None

    def encoded(self, *, fatal: bool = False) -> bytes:
        """As a message; the connection ends with a fatal one."""
        return error_response(self.sqlstate, self.message, hint=self.hint, fatal=fatal)


# Source of the codes: PostgreSQL documentation, "PostgreSQL Error Codes"
_SQLSTATES = {
    "too_large": "54000",
    "unknown_store": "42704",
    "invalid_input": "22023",
    "invalid_json": "22023",
    "overloaded": "53000",
    "unavailable": "57P03",
    "engine_error": "57P03",
    "store_error": "57P03",
    "not_authorized": "28P01",
    "cancelled": "57014",
    "too_many_connections": "53300",
    "shutting_down": "57P01",
    "probe": "57P03",
    "locked": "42501",
    "no_sql": "42601",
    "not_spoken": "0A000",
    "unknown_name": "26000",
    "not_utf8": "22021",
    "protocol_violation": "08P01",
}
_HINTS: dict[type[Exception], str] = {
    NotAuthorized: "The password is an API key of the sidecar.",
    NoSql: 'Such as {"query": "...", "hits": [{"id": "1", "text": "..."}]}',
}


def fault_of(error: Exception) -> Fault:
    """How to tell a client of `error`. What isn't expected is logged, and told without its details."""
    kind = getattr(error, "kind", None)
    if kind in _SQLSTATES:
        return Fault(_SQLSTATES[kind], kind, _message(error), _hint(error))
    _LOG.error("pgwire_failed", error=type(error).__name__, exc_info=error)
    return Fault("XX000", "internal", "something went wrong; the log says what")


def _message(error: Exception) -> str:
    if isinstance(error, NotAuthorized):
        return "password authentication failed"
    return str(error) or str(type(error).__doc__)


def _hint(error: Exception) -> str | None:
    if isinstance(error, Unavailable):
        return f"Try again in {error.retry_after_s:.0f} s."
    return _HINTS.get(type(error))
