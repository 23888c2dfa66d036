"""`postgres setup`: a database learns to rerank."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jrerank.admin.options import plain_errors
from jrerank.admin.postgres.choices import Form, Transport
from jrerank.admin.postgres.connection import connected
from jrerank.admin.postgres.sidecar_address import read_address
from jrerank.admin.secrets import secret

SIDECAR_KEY = "JRERANK_SIDECAR_API_KEY"


def setup(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option(help="the sidecar as the database reaches it, such as http://10.0.0.7:8080")
    ] = None,
    pgwire: Annotated[
        str | None,
        typer.Option(help="HOST:PORT of its PostgreSQL-wire door, for dblink", metavar="HOST:PORT"),
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help=f"an API key, its first line; else the variable {SIDECAR_KEY}")
    ] = None,
    role: Annotated[list[str] | None, typer.Option(help="who may rerank; may be repeated")] = None,
    transport: Annotated[Transport, typer.Option(help="how it is asked")] = Transport.AUTO,
    form: Annotated[
        Form, typer.Option("--as", help="script: by a plain one, as where no file can be placed")
    ] = Form.AUTO,
    sslmode: Annotated[str | None, typer.Option(help="of dblink's connection, such as verify-full")] = None,
    sslrootcert: Annotated[
        str | None, typer.Option(help="PEM on the database's machine, of who signed the door's certificate")
    ] = None,
    close_transport: Annotated[
        bool,
        typer.Option(
            "--close-transport", help="take http or dblink from PUBLIC: only the functions use it then"
        ),
    ] = False,
    search_path: Annotated[
        bool,
        typer.Option(
            "--search-path", help="put jrerank on the search path of the roles, or else of the database"
        ),
    ] = False,
    loopback: Annotated[
        bool,
        typer.Option(
            "--loopback",
            help="a login of the database to itself, so that dblink's first connection keeps its deadline in any network",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the SQL, and change nothing")] = False,
) -> None:
    """Install or upgrade the functions, tell the database where the sidecar is, and let roles rerank. All of it, or nothing.

    http where the server has that extension, else dblink. What is done already is left as it is.
    --close-transport needs the owner of that extension, and takes it from other applications of the database.

    Example: jrerank-admin postgres setup --url http://10.0.0.7:8080 --pgwire 10.0.0.7:5433 --key-file key --role app
    --close-transport --loopback
    """
    with plain_errors():
        address, key = read_address(url, pgwire, sslmode, sslrootcert), secret(SIDECAR_KEY, key_file)
        with connected(context) as connection:
            from jrerank.admin.postgres.loopback import check_loopback, loopback_note, without_broken_loopback
            from jrerank.admin.postgres.setting_up import (
                Wish,
                carry_out,
                check_unobstructed,
                needs_loopback,
                offers_with_files,
                plan,
                read_server,
                shown,
            )

            offers = offers_with_files(connection, form, print, dry_run=dry_run)
            if loopback:
                offers = without_broken_loopback(connection, offers)
            wish = Wish(address, key, role or (), transport, form, close_transport, search_path, loopback)
            todo = plan(offers, read_server(connection), wish)
            if dry_run:
                print(shown(connection, todo.steps))
                return
            carry_out(connection, todo.steps, lambda what: print(f"done  {what}"))
            check_unobstructed(connection)
            if needs_loopback(wish, todo.transport):
                check_loopback(connection)
            if note := loopback_note(todo.transport, wished=loopback, there=offers.has_loopback):
                print(note)
            print(
                f"{connection.info.dbname} reranks over {todo.transport}; see: jrerank-admin postgres status"
            )
