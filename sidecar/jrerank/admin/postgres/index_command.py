"""`postgres index`: a JSONL file into a table that can be searched for Japanese."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jrerank.admin.options import plain_errors
from jrerank.admin.postgres.connection import connected


def index(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="name or schema.name; one that is there is added to")],
    file: Annotated[
        Path, typer.Argument(help="JSONL, or JSONL.gz: objects with id, text, perhaps title and vector")
    ],
    reload: Annotated[
        bool,
        typer.Option("--reload", help="send what is there unchanged, too: for vectors that have changed"),
    ] = False,
) -> None:
    """Load passages and index them for Japanese: bigrams under BM25 (pg_textsearch) or else a tsvector, vectors under HNSW.

    What was loaded before is passed over, so that the same command goes on where one broke off.

    Example: jrerank-admin postgres index passages passages.jsonl
    """
    from rich.console import Console
    from rich.progress import Progress

    with plain_errors(), connected(context) as connection:
        from jrerank.admin.postgres.indexing import build_indexes, load
        from jrerank.admin.postgres.passages import read_passages
        from jrerank.admin.postgres.tables import Table

        where, passages = Table.named(table), read_passages(file)
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("Loading", total=file.stat().st_size if file.is_file() else None)
            loaded = load(
                connection,
                where,
                passages,
                lambda last: progress.update(bar, completed=last.read_bytes),
                reload=reload,
            )
            progress.update(bar, description="Indexing", total=None)
            kinds = build_indexes(connection, where)
        print(f"loaded    {loaded.sent} passages into {table}, {loaded.unchanged} were there unchanged")
        print(f"indexed   {', '.join(kinds)}")
