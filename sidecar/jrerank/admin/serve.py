"""`serve`: the sidecar itself."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from jrerank.admin.lean_start import without_garbage_collection, without_unused_libraries
from jrerank.admin.options import (
    DeviceOption,
    EngineOption,
    GraphOption,
    ModelOption,
    PrecisionOption,
    RevisionOption,
    SecondModelOption,
    plain_errors,
)
from jrerank.settings import Settings


def serve(
    model: ModelOption = None,
    revision: RevisionOption = None,
    engine: EngineOption = None,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    graph: GraphOption = None,
    second_model: SecondModelOption = None,
    second_depth: Annotated[
        int | None, typer.Option(help="hits of each query that the second model reads [default: 20]")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="beyond loopback an API key is needed [default: 127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option(help="0 takes a free one [default: 8080]")] = None,
    pgwire_port: Annotated[
        int | None,
        typer.Option(help="let dblink, psql and psycopg ask here; 0 takes a free one [default: off]"),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="threads that score [default: usable cores]")] = None,
    timeout_ms: Annotated[
        int | None, typer.Option(help="for requests that name none [default: 30000]")
    ] = None,
    log_format: Annotated[Literal["json", "console"] | None, typer.Option(help="[default: json]")] = None,
) -> None:
    """Run the sidecar until SIGTERM. Every other setting is a JRERANK_* variable.

    Example: jrerank-admin serve --model bundled --port 8080
    """
    with without_unused_libraries():
        with without_garbage_collection():
            from jrerank.server import serve as run

        with plain_errors():
            run(
                Settings.load(
                    model=model,
                    revision=revision,
                    engine=engine,
                    device=device,
                    precision=precision,
                    graph=graph,
                    second_model=second_model,
                    second_depth=second_depth,
                    host=host,
                    port=port,
                    pgwire_port=pgwire_port,
                    workers=workers,
                    timeout_ms=timeout_ms,
                    log_format=log_format,
                )
            )
