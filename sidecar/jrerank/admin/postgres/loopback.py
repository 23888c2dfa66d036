"""A login of the database to itself: another backend looks whether the sidecar answers, and the first one looks at the time."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from jrerank.admin.postgres import setup_statements as statements
from jrerank.admin.postgres.choices import Transport
from jrerank.admin.postgres.setup_plan import MASK, Step
from jrerank.errors import ConfigurationError

if TYPE_CHECKING:
    from jrerank.admin.postgres.connection import Connection
    from jrerank.admin.postgres.offers import Offers

_WITHOUT = (
    "note  in a network that drops what is sent, a session's first call takes 1.03 s, even if its timeout is shorter:"
    " --loopback --close-transport bounds it; it makes a role that may log in"
)
_NOT_NEEDED = "note  no loopback was made: http keeps its deadlines without"


def loopback_step(owner: str, wrapper: str) -> Step:
    """A role that is granted nothing but to look, with a password that nobody knows, and the server `jrerank_loopback`."""
    return Step(
        "server jrerank_loopback, and a role of its own that may log in",
        _statement(owner, wrapper, secrets.token_urlsafe(32)),
        _statement(owner, wrapper, MASK),
    )


def _statement(owner: str, wrapper: str, password: str) -> sql.Composed:
    names = {"owner": sql.Identifier(owner), "wrapper": sql.Identifier(wrapper)}
    return sql.SQL(statements.LOOPBACK).format(**names, password=sql.Literal(password))


def loopback_note(transport: Transport, *, wished: bool, there: bool) -> str | None:
    """What is still to know of a session's first call over this transport."""
    if transport is Transport.HTTP:
        return _NOT_NEEDED if wished else None
    return None if wished or there else _WITHOUT


def has_loopback(connection: Connection) -> bool:
    """Whether the server is there."""
    return connection.execute(statements.FIND_LOOPBACK).fetchone() is not None


def loopback_obstacle(connection: Connection) -> str | None:
    """What keeps it from being used, as a sentence, with what would help."""
    row = connection.execute(statements.LOOPBACK_OBSTACLE).fetchone()
    if row is None or row[0] is None:
        return None
    said, role, database = row
    if "password" not in said:
        return f"jrerank_loopback: {said}"
    return (
        f"jrerank_loopback: {said}; the first lines of pg_hba.conf must let it in by a password: "
        f"host {database} {role} 127.0.0.1/32 scram-sha-256"
    )


def without_broken_loopback(connection: Connection, offers: Offers) -> Offers:
    """As if it weren't there where it can't be used, as after a restore elsewhere: so it is made anew."""
    if offers.has_loopback and loopback_obstacle(connection) is not None:
        return replace(offers, has_loopback=False)
    return offers


def check_loopback(connection: Connection) -> None:
    """Let the functions log in once.

    Raises:
        ConfigurationError: they can't.
    """
    if (obstacle := loopback_obstacle(connection)) is not None:
        raise ConfigurationError(f"all is there, but the loopback can't be used yet: {obstacle}")
