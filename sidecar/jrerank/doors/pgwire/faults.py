"""What an error is called on the PostgreSQL wire: its SQLSTATE."""

from __future__ import annotations

from dataclasses import dataclass

from jrerank.errors import InputTooLong, InvalidInput, NotAuthorized, Overloaded, Unavailable, UnknownStore
from jrerank.telemetry import logger

_LOG = logger(__name__)


class Cancelled(Exception):  # noqa: N818
    """A CancelRequest stopped the query."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as the client sees it."""

    sqlstate: str
    message: str
    hint: str | None = None


# The first class that fits counts, so that a narrower one stands before a wider one.
# Source of the codes: PostgreSQL documentation, "PostgreSQL Error Codes"
_SQLSTATES: tuple[tuple[type[Exception], str], ...] = (
    (InputTooLong, "54000"),
    (UnknownStore, "42704"),
    (InvalidInput, "22023"),
    (Overloaded, "53000"),
    (Unavailable, "57P03"),
)


def fault_of(error: Exception) -> Fault:
    """How to tell a client of `error`. What isn't expected is logged, and told without its details."""
    for kind, sqlstate in _SQLSTATES:
        if isinstance(error, kind):
            hint = f"Try again in {error.retry_after_s:.0f} s." if isinstance(error, Unavailable) else None
            return Fault(sqlstate, str(error), hint)
    if isinstance(error, Cancelled):
        return Fault("57014", "canceling statement due to user request")
    if isinstance(error, NotAuthorized):
        return Fault("28P01", "password authentication failed: the password is an API key of the sidecar")
    _LOG.error("pgwire_failed", error=type(error).__name__, exc_info=error)
    return Fault("XX000", "internal error")
