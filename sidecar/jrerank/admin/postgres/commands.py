"""`postgres`: setup, status, remove, index, search."""

from __future__ import annotations

import typer

from jrerank.admin.postgres.connection import DsnOption
from jrerank.admin.postgres.index_command import index
from jrerank.admin.postgres.remove_command import remove
from jrerank.admin.postgres.search_command import search
from jrerank.admin.postgres.setup_command import setup
from jrerank.admin.postgres.status_command import status

app = typer.Typer(no_args_is_help=True)


@app.callback()
def connection(context: typer.Context, dsn: DsnOption = None) -> None:
    """Reranking inside PostgreSQL.

    Which database, and who asks, stands before the command, or in JRERANK_POSTGRES_DSN, or in libpq's variables.
    """
    context.obj = dsn


app.command()(setup)
app.command()(status)
app.command()(remove)
app.command()(index)
app.command()(search)
