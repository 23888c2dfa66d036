"""`postgres remove`: what `setup` has made is taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.options import plain_errors
from jrerank.admin.postgres.connection import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jrerank.admin.postgres.connection import Connection
    from jrerank.admin.postgres.setup_plan import Step


def remove(
    context: typer.Context,
    roles: Annotated[
        bool, typer.Option("--roles", help="the roles, too, which belong to all databases of the server")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the SQL, and change nothing")] = False,
) -> None:
    """Take the functions, the server with its key, and if wished the roles away; http and dblink stay. All of it, or nothing.

    Example: jrerank-admin postgres remove --dry-run
    """
    with plain_errors(), connected(context) as connection:
        from jrerank.admin.postgres.setting_up import carry_out, shown

        steps = list(_steps(connection, roles))
        if dry_run:
            print(shown(connection, steps))
            return
        carry_out(connection, steps, lambda what: print(f"done  {what}"))
        if not steps:
            print("there is nothing to take away")


def _steps(connection: Connection, roles: bool) -> Iterator[Step]:
    from psycopg import sql

    from jrerank.admin.postgres import setup_statements as statements
    from jrerank.admin.postgres.loopback import has_loopback
    from jrerank.admin.postgres.offers import read_offers
    from jrerank.admin.postgres.setting_up import read_server
    from jrerank.admin.postgres.setup_plan import Step

    offers = read_offers(connection)
    if has_loopback(connection):
        yield Step("server jrerank_loopback and its role are gone", sql.SQL(statements.DROP_LOOPBACK))
    if read_server(connection) is not None:
        yield Step("server jrerank and its user mappings are gone", sql.SQL(statements.DROP_SERVER))
    known = offers.extensions.get("jrerank")
    if known is not None and known.installed is not None:
        yield Step("extension jrerank is gone", sql.SQL(statements.DROP_EXTENSION))
    elif offers.functions is not None:
        _refuse_dependents(connection)
        if offers.has_wrapper:
            yield Step("foreign-data wrapper jrerank is gone", sql.SQL(statements.DROP_WRAPPER))
        yield Step("schema jrerank is gone", sql.SQL(statements.DROP_SCHEMA))
    if roles and offers.has_owner:
        for statement in statements.DROP_ROLES:
            yield Step(statement, sql.SQL(statement))


def _refuse_dependents(connection: Connection) -> None:
    """An extension isn't dropped while something depends on it; a schema would take it along."""
    from jrerank.admin.postgres.setup_statements import DEPENDENTS
    from jrerank.errors import JrerankError

    row = connection.execute(DEPENDENTS).fetchone()
    if row is not None and row[0] is not None:
        raise JrerankError(f"these views use the functions: {row[0]}; drop them first")
