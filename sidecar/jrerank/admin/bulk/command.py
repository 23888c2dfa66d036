"""`bulk`: the command and its options."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from jrerank.admin.bulk.input import Input, opened
from jrerank.admin.bulk.progress import Bar, summary
from jrerank.admin.options import (
    FAILED,
    DeviceOption,
    EngineOption,
    ModelOption,
    PrecisionOption,
    RevisionOption,
    plain_errors,
)
from jrerank.errors import InvalidInput
from jrerank.settings import Settings

_FROM = "Rows of a server"


def bulk(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="JSONL, JSONL.gz or Parquet; with --dsn a table, or a .sql file with a query; with --opensearch an index",
        ),
    ],
    output: Annotated[
        Path,
        typer.Argument(metavar="OUTPUT", help="JSONL or .parquet; a run that was cut off goes on here"),
    ],
    store: Annotated[
        str | None, typer.Option(help="take texts that a row doesn't give from this store, by id")
    ] = None,
    model: ModelOption = None,
    revision: RevisionOption = None,
    engine: EngineOption = None,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    tokenizers: Annotated[
        int | None,
        typer.Option(
            min=0, help="processes that tokenize ahead of the engine [default: 0; on a GPU up to 8]"
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="of a Ray cluster that this machine is one of, such as 10.0.0.7:6379 or auto: its machines do the work",
        ),
    ] = None,
    dsn: Annotated[
        str | None,
        typer.Option(
            help="of PostgreSQL: postgresql://user@host/database; what it lacks is in libpq's variables",
            rich_help_panel=_FROM,
        ),
    ] = None,
    opensearch: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="of the cluster; who asks is in JRERANK_OPENSEARCH_USER and _PASSWORD, or _API_KEY",
            rich_help_panel=_FROM,
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            help="PEM of the authority that signed the cluster's certificate", rich_help_panel=_FROM
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="the column or field that tells all rows apart [default: id]", rich_help_panel=_FROM
        ),
    ] = None,
    where: Annotated[
        Path | None,
        typer.Option(
            help="with --opensearch: JSON of a query, for some of the documents", rich_help_panel=_FROM
        ),
    ] = None,
) -> None:
    """Rerank many rows: each has a `query` and `hits` as in /v1/hits, or `passages` as plain texts.

    Every row of INPUT is one line of OUTPUT, in the same order, with the scores that the sidecar would give. The same command goes
    on where a run was cut off. Exit code 1 if a row of OUTPUT, an earlier run's too, was wrong or could not be scored whole; its
    line says why.

    Example: jrerank-admin bulk questions.jsonl reranked.jsonl --model bundled
    """
    from jrerank.bulk.run import rerank_source
    from jrerank.telemetry import configure_logging

    configure_logging("warning", "console")
    with plain_errors():
        settings = Settings.load(
            model=model, revision=revision, engine=engine, device=device, precision=precision
        )
        if ray is not None and tokenizers is not None:
            raise InvalidInput(
                "--tokenizers is for this machine; on Ray there are actors", field="tokenizers"
            )
        rows = opened(Input(source, dsn, opensearch, ca_file, key, where))
        with Bar() as bar:
            if ray is not None:
                from jrerank.bulk.on_ray.run import rerank_on_ray

                report = rerank_on_ray(ray, settings, rows, output, store, bar.show)
            else:
                report = asyncio.run(rerank_source(settings, rows, output, store, bar.show, tokenizers))
    sys.stderr.write(f"{summary(report)}\n")
    if report.failed_rows:
        raise typer.Exit(FAILED)
