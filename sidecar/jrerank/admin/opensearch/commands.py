"""`opensearch`: setup, status, remove, index, pipeline show, plugin path and build."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from jrerank.admin.cluster.connected import cluster_to_change, live_cluster, speaker
from jrerank.admin.cluster.connection import read_connection
from jrerank.admin.cluster.options import (
    ApiKeyFileOption,
    CaFileOption,
    DryRunOption,
    PasswordFileOption,
    UrlOption,
    UserOption,
)
from jrerank.admin.findings import report
from jrerank.admin.opensearch import plugin
from jrerank.admin.opensearch.loading import index
from jrerank.admin.opensearch.pipelines import find_pipeline
from jrerank.admin.opensearch.removal import remove as take_away
from jrerank.admin.opensearch.setup import setup
from jrerank.admin.opensearch.status import findings
from jrerank.admin.options import plain_errors
from jrerank.errors import InvalidInput

app = typer.Typer(no_args_is_help=True)
pipelines = typer.Typer(help="Search pipelines.", no_args_is_help=True)
PipelineOption = Annotated[str, typer.Option("--pipeline", help="name of the search pipeline")]


@app.callback()
def connection(
    context: typer.Context,
    url: UrlOption = None,
    user: UserOption = None,
    password_file: PasswordFileOption = None,
    api_key_file: ApiKeyFileOption = None,
    ca_file: CaFileOption = None,
    aws_region: Annotated[
        str | None, typer.Option(help="sign with SigV4, by the credentials that boto3 finds")
    ] = None,
    aws_service: Annotated[str, typer.Option(help="es, or aoss for serverless collections")] = "es",
) -> None:
    """Reranking inside OpenSearch.

    Which cluster, and who asks, stands before the command, or in JRERANK_OPENSEARCH_URL, _USER, _PASSWORD and _API_KEY.
    """
    context.obj = lambda: read_connection(
        "JRERANK_OPENSEARCH", url, user, password_file, api_key_file, ca_file, aws_region, aws_service
    )


app.command()(setup)
app.command()(index)
app.add_typer(pipelines, name="pipeline")
app.add_typer(plugin.app, name="plugin")


@app.command()
def status(
    context: typer.Context,
    pipeline: PipelineOption = "rerank",
    index: Annotated[
        str | None, typer.Option(help="to search [default: one with the pipeline by default]")
    ] = None,
    query: Annotated[str | None, typer.Option(help="to search for [default: words of a passage]")] = None,
) -> None:
    """Check everything that reranking depends on, and search with and without it; exit code 1 if something is wrong.

    Example: jrerank-admin opensearch status --index passages --query 富士山の高さ
    """
    with plain_errors():
        report(findings(live_cluster(context), pipeline, index, query))


@app.command()
def remove(
    context: typer.Context,
    pipeline: PipelineOption = "rerank",
    force: Annotated[bool, typer.Option("--force", help="also a pipeline that was made by hand")] = False,
    cluster_settings: Annotated[
        bool,
        typer.Option(
            "--cluster-settings/--no-cluster-settings", help="take the address out of the trusted ones"
        ),
    ] = True,
    dry_run: DryRunOption = False,
) -> None:
    """Take away what `setup` has made. A dry run looks at the cluster, and changes nothing.

    Example: jrerank-admin opensearch remove --pipeline rerank
    """
    with plain_errors():
        take_away(
            cluster_to_change(context, dry_run, looks=True),
            pipeline,
            force,
            cluster_settings,
            speaker(dry_run),
        )


@pipelines.command()
def show(context: typer.Context, pipeline: PipelineOption = "rerank") -> None:
    """Print the search pipeline as the cluster has it.

    Example: jrerank-admin opensearch pipeline show --pipeline rerank
    """
    with plain_errors():
        found = find_pipeline(live_cluster(context), pipeline)
        if found is None:
            raise InvalidInput(f"there is no search pipeline {pipeline}", field="pipeline")
    print(json.dumps(found, indent=2, ensure_ascii=False))
