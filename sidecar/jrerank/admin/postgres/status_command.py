"""`postgres status`: whether a database can rerank, line by line, and a rerank that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.findings import Finding, checked, report
from jrerank.admin.options import plain_errors
from jrerank.admin.postgres.connection import connected

if TYPE_CHECKING:
    from jrerank.admin.postgres.connection import Connection
    from jrerank.admin.postgres.offers import Offers

_QUERY = "富士山の高さ"
_DOCUMENTS = ["味噌汁の作り方", "富士山の標高は3776メートルである"]


def status(
    context: typer.Context,
    timeout_ms: Annotated[int, typer.Option(min=1, help="time for the probe")] = 5000,
) -> None:
    """Check the server, the functions, where the sidecar is and who may ask it, and rerank two documents to see that it works.

    Example: jrerank-admin postgres status
    """
    with plain_errors(), connected(context) as connection:
        report(_findings(connection, timeout_ms))


def _findings(connection: Connection, timeout_ms: int) -> Iterator[Finding]:
    from jrerank.admin.postgres.offers import read_offers

    offers = read_offers(connection)
    yield Finding(
        "server", True, f"PostgreSQL {offers.version}, database {offers.database}, as {offers.role}"
    )
    yield _functions(offers)
    if offers.functions is not None:
        yield _sidecar(connection, offers)
        if offers.has_loopback:
            yield _loopback(connection)
        yield _members(connection)
        yield checked("rerank", lambda: _probe(connection, timeout_ms))


def _functions(offers: Offers) -> Finding:
    from jrerank.admin.postgres.files import newest_script

    newest, known = newest_script().version, offers.extensions.get("jrerank")
    if offers.functions is None:
        return Finding("functions", False, "not installed: jrerank-admin postgres setup")
    form = "by a script" if known is None or known.installed is None else "as an extension"
    if offers.functions != newest:
        return Finding(
            "functions", False, f"{offers.functions} {form}; {newest} is here: jrerank-admin postgres setup"
        )
    return Finding("functions", True, f"{offers.functions} {form}")


def _sidecar(connection: Connection, offers: Offers) -> Finding:
    from jrerank.admin.postgres.setting_up import read_server

    server = read_server(connection)
    if server is None:
        return Finding("sidecar", False, "there is no server jrerank: jrerank-admin postgres setup")
    where = " ".join(f"{name}={value}" for name, value in server.options.items())
    mapping = "is there" if offers.has_mapping else "is missing: jrerank-admin postgres setup"
    return Finding("sidecar", offers.has_mapping, f"{where}; its user mapping {mapping}")


def _loopback(connection: Connection) -> Finding:
    from jrerank.admin.postgres.loopback import loopback_obstacle

    obstacle = loopback_obstacle(connection)
    return Finding("loopback", obstacle is None, obstacle or "dblink's first connection keeps its deadline")


def _members(connection: Connection) -> Finding:
    from jrerank.admin.postgres.setup_statements import MEMBERS

    row = connection.execute(MEMBERS).fetchone()
    return Finding("roles", None, f"may rerank: {row[0] if row else 'nobody yet'}")


def _probe(connection: Connection, timeout_ms: int) -> Finding:
    """Two documents, of which the second answers the question: a model that has learned anything puts it first."""
    from jrerank.admin.postgres.setup_statements import PROBE, PROBE_STATUS

    asked = {"query": _QUERY, "documents": _DOCUMENTS, "timeout_ms": timeout_ms}
    ranked = connection.execute(PROBE, asked).fetchall()
    row = connection.execute(PROBE_STATUS).fetchone()
    if row is None:
        return Finding("rerank", False, "the functions don't say what became of the call")
    outcome, reason, detail, transport, model, elapsed_ms = row
    if outcome != "complete":
        why = ": ".join(filter(None, (reason, detail)))
        return Finding("rerank", False, f"{outcome} over {transport}: {why}")
    order = "; ".join(f"{_DOCUMENTS[index - 1]} ({score:.3f})" for index, score in ranked)
    return Finding("rerank", True, f"over {transport} by {model} in {elapsed_ms:.1f} ms: {order}")
