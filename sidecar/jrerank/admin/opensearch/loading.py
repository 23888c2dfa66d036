"""`opensearch index`: a JSONL file into an index for Japanese."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jrerank.admin.cluster.connected import cluster_to_change, speaker
from jrerank.admin.cluster.options import DryRunOption
from jrerank.admin.opensearch.indexing import NewIndex, create_index, load
from jrerank.admin.opensearch.passages import read_passages, vector_dimension
from jrerank.admin.options import plain_errors


def index(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="of the index; one that is there is added to")],
    file: Annotated[
        Path, typer.Argument(help="JSONL, or JSONL.gz: objects with id, text, and what else there is")
    ],
    shards: Annotated[int, typer.Option(min=1, help="primary shards")] = 1,
    replicas: Annotated[int, typer.Option(min=0, help="copies of each")] = 1,
    pipeline: Annotated[str | None, typer.Option(help="search pipeline by default")] = None,
    vector_field: Annotated[
        str, typer.Option(help="of the passages, where they have one; k-NN compares by l2, so normalize it")
    ] = "vector",
    dry_run: DryRunOption = False,
) -> None:
    """Make an index whose text fields are analyzed as Japanese (kuromoji, or else bigrams), and fill it.

    Example: jrerank-admin opensearch index passages passages.jsonl --pipeline rerank
    """
    from rich.console import Console
    from rich.progress import Progress

    with plain_errors():
        new = NewIndex(name, shards, replicas, pipeline, vector_field, vector_dimension(file, vector_field))
        cluster, say = cluster_to_change(context, dry_run), speaker(dry_run)
        create_index(cluster, new, say)
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("Loading", total=file.stat().st_size)
            passages = read_passages(file, vector_field)
            count = load(
                cluster, name, passages, lambda last: progress.update(bar, completed=last.read_bytes)
            )
        say(f"loaded    {count} passages into {name}")
