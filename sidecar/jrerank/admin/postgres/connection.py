"""Which database is meant, who asks, and what its errors mean to somebody in a shell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jrerank.admin.postgres.search_statements import KEEP_STATUS
from jrerank.errors import ConfigurationError, JrerankError

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

DsnOption = Annotated[
    str | None,
    typer.Option(
        "--dsn",
        envvar="JRERANK_POSTGRES_DSN",
        show_envvar=False,
        help="postgresql://user@host/database, or host=... dbname=...; else libpq's variables (PGHOST, PGPASSWORD, ...)",
    ),
]
_CONNECT_TIMEOUT_S = 10


@contextmanager
def connected(context: typer.Context) -> Iterator[Connection]:
    """A connection in autocommit mode to the database that the group's options name.

    Raises:
        ConfigurationError: psycopg isn't installed, or the database can't be reached.
        JrerankError: a statement failed; the message is the server's.
    """
    try:
        import psycopg
    except ImportError:
        raise ConfigurationError("psycopg is needed: pip install 'jrerank[postgres]'") from None
    try:
        connection = psycopg.connect(
            context.obj or "",
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_S,
            application_name="jrerank-admin",
        )
    except psycopg.ProgrammingError:  # its message repeats parts of what may hold a password
        raise ConfigurationError(
            "--dsn is no connection string, such as postgresql://user@host/database"
        ) from None
    except psycopg.Error as error:
        raise ConfigurationError(f"the database can't be reached: {' '.join(str(error).split())}") from None
    with connection:
        connection.execute(KEEP_STATUS)
        try:
            yield connection
        except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedFunction) as error:
            said = error.diag.message_primary or ""
            if "no schema has been selected" in said:
                raise ConfigurationError(
                    f"{said}: create a schema, and put it on this role's search_path"
                ) from None
            raise ConfigurationError(f"{said}: has jrerank-admin postgres setup been run here?") from None
        except psycopg.Error as error:
            raise JrerankError(error.diag.message_primary or " ".join(str(error).split())) from None
