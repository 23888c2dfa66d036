"""`postgres search`: a table that `index` has made, searched and reranked from the shell."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.options import plain_errors
from jrerank.admin.postgres.connection import connected
from jrerank.admin.texts import json_line
from jrerank.errors import InvalidInput

if TYPE_CHECKING:
    from jrerank.admin.postgres.searching import Hit


def search(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="that `index` has made")],
    query: Annotated[str, typer.Argument(help="what is searched for")],
    vector: Annotated[
        str | None, typer.Option(help="the query's, as JSON: its neighbours are fused with the text's hits")
    ] = None,
    window: Annotated[int, typer.Option(min=1, max=1000, help="hits that are reranked")] = 50,
    top_n: Annotated[int, typer.Option(min=1, help="print this many")] = 10,
    timeout_ms: Annotated[int, typer.Option(min=1, max=86_400_000, help="time for reranking")] = 5000,
    rerank: Annotated[bool, typer.Option(help="or show the first stage as it is")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="print JSONL instead of a table")] = False,
) -> None:
    """Search with BM25 (or a tsvector), fuse with vectors by reciprocal rank, and rerank, in one SQL statement.

    Example: jrerank-admin postgres search passages "富士山の高さ" --window 20
    """
    with plain_errors(), connected(context) as connection:
        from jrerank.admin.postgres.searching import Search, why_incomplete
        from jrerank.admin.postgres.searching import search as run
        from jrerank.admin.postgres.tables import Table

        asked = Search(query, _vector(vector), window, top_n, rerank, timeout_ms)
        _print(run(connection, Table.named(table), asked), as_json)
        if rerank and (why := why_incomplete(connection)) is not None:
            sys.stderr.write(f"note: not all hits were reranked: {why}\n")


def _vector(given: str | None) -> list[float] | None:
    if given is None:
        return None
    try:
        vector = json.loads(given)
    except ValueError:
        vector = None
    if not isinstance(vector, list) or not vector or not all(type(one) in {int, float} for one in vector):
        raise InvalidInput(f"--vector must be a JSON list of numbers (got {given[:40]!r})", field="vector")
    return [float(one) for one in vector]


def _print(hits: list[Hit], as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from jrerank.admin.texts import plain

    if as_json:
        for hit in hits:
            line = {"id": hit.id, "score": hit.score, "first_rank": hit.first_rank, "text": hit.text}
            print(json_line(line, sys.stdout))
        return
    table = Table("rank", "was", "score", "id", "text")
    for hit in hits:
        score = "" if hit.score is None else f"{hit.score:.4f}"
        table.add_row(str(hit.rank), str(hit.first_rank), score, plain(hit.id), plain(hit.text[:60]))
    Console().print(table)
