"""What an error is called on the PostgreSQL wire: its SQLSTATE."""

from __future__ import annotations

from dataclasses import dataclass

from jrerank.doors.pgwire.messages import NotUtf8, ProtocolViolation, error_response
from jrerank.errors import InputTooLong, InvalidInput, NotAuthorized, Overloaded, Unavailable, UnknownStore
from jrerank.telemetry import logger

_LOG = logger(__name__)


class Cancelled(Exception):  # noqa: N818
    """canceling statement due to user request"""


class TooManyConnections(Exception):  # noqa: N818
    """too many connections"""


class ShuttingDown(Exception):  # noqa: N818
    """the sidecar is shutting down"""


class NoSql(Exception):  # noqa: N818
    """this is not a database: a query is a request as JSON"""


class NotSpoken(Exception):  # noqa: N818
    """a statement has at most one parameter, which is the whole request: SELECT rerank($1)"""


class UnknownName(Exception):  # noqa: N818
    """There is no prepared statement or portal of that name."""


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


# The first class that fits counts, so that a narrower one stands before a wider one.
# Source of the codes: PostgreSQL documentation, "PostgreSQL Error Codes"
_SQLSTATES: tuple[tuple[type[Exception], str, str], ...] = (
    (InputTooLong, "54000", "too_large"),
    (UnknownStore, "42704", "unknown_store"),
    (InvalidInput, "22023", "invalid_input"),
    (Overloaded, "53000", "overloaded"),
    (Unavailable, "57P03", "unavailable"),
    (NotAuthorized, "28P01", "not_authorized"),
    (Cancelled, "57014", "cancelled"),
    (TooManyConnections, "53300", "too_many_connections"),
    (ShuttingDown, "57P01", "shutting_down"),
    (NoSql, "42601", "no_sql"),
    (NotSpoken, "0A000", "not_spoken"),
    (UnknownName, "26000", "unknown_name"),
    (NotUtf8, "22021", "not_utf8"),
    (ProtocolViolation, "08P01", "protocol_violation"),
)
_HINTS: dict[type[Exception], str] = {
    NotAuthorized: "The password is an API key of the sidecar.",
    NoSql: 'Such as {"query": "...", "hits": [{"id": "1", "text": "..."}]}',
}


def fault_of(error: Exception) -> Fault:
    """How to tell a client of `error`. What isn't expected is logged, and told without its details."""
    for group, sqlstate, kind in _SQLSTATES:
        if isinstance(error, group):
            return Fault(sqlstate, kind, _message(error), _hint(error))
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
