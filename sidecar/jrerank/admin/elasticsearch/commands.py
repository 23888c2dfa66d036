"""`elasticsearch`: setup, status, remove."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from jrerank.admin.cluster.connected import cluster_to_change, live_cluster, speaker
from jrerank.admin.cluster.connection import read_connection
from jrerank.admin.cluster.options import (
    SIDECAR_KEY_HELP,
    SIDECAR_URL_HELP,
    ApiKeyFileOption,
    CaFileOption,
    DryRunOption,
    PasswordFileOption,
    UrlOption,
    UserOption,
)
from jrerank.admin.cluster.request import Request
from jrerank.admin.elasticsearch.inference import (
    InferenceEndpoint,
    check_ours,
    checked_service,
    find_inference,
    remove_inference,
    retriever_body,
    set_up_inference,
)
from jrerank.admin.elasticsearch.status import Probe, findings
from jrerank.admin.findings import report
from jrerank.admin.opensearch.sidecar_address import checked_sidecar_url, sidecar_key
from jrerank.admin.options import plain_errors

app = typer.Typer(no_args_is_help=True)
InferenceIdOption = Annotated[str, typer.Option("--inference-id", help="name of the inference endpoint")]


@app.callback()
def connection(
    context: typer.Context,
    url: UrlOption = None,
    user: UserOption = None,
    password_file: PasswordFileOption = None,
    api_key_file: ApiKeyFileOption = None,
    ca_file: CaFileOption = None,
) -> None:
    """Reranking inside Elasticsearch.

    Which cluster, and who asks, stands before the command, or in JRERANK_ELASTICSEARCH_URL, _USER, _PASSWORD and _API_KEY.
    """
    context.obj = lambda: read_connection(
        "JRERANK_ELASTICSEARCH", url, user, password_file, api_key_file, ca_file
    )


@app.command()
def setup(
    context: typer.Context,
    sidecar_url: Annotated[str, typer.Option(help=SIDECAR_URL_HELP)],
    sidecar_key_file: Annotated[Path | None, typer.Option(help=SIDECAR_KEY_HELP)] = None,
    service: Annotated[
        str, typer.Option(help="custom, or hugging_face, which has no deadline of its own")
    ] = "custom",
    inference_id: InferenceIdOption = "jrerank",
    timeout_ms: Annotated[
        int, typer.Option(min=1, max=600_000, help="time for reranking; only custom")
    ] = 500,
    field: Annotated[str, typer.Option(help="passage field, for the search that is shown")] = "text",
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="make it anew, as after a change of the key, or though setup did not make it"
        ),
    ] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Make an inference endpoint that asks the sidecar, and show a search that uses it.

    Example: jrerank-admin elasticsearch setup --sidecar-url http://10.0.0.7:8080
    """
    with plain_errors():
        cluster, key = cluster_to_change(context, dry_run), sidecar_key(sidecar_key_file, dry_run)
        url = checked_sidecar_url(sidecar_url)
        endpoint = InferenceEndpoint(inference_id, checked_service(service), url, key, timeout_ms)
        set_up_inference(cluster, endpoint, replace, speaker(dry_run))
        search = retriever_body(inference_id, field, "富士山の高さ")
        if dry_run:
            cluster.ask(Request("POST", "/passages/_search", search, note="a search that uses it"))
        else:
            print(f"search    such as\n{json.dumps(search, indent=2, ensure_ascii=False)}")


@app.command()
def status(
    context: typer.Context,
    inference_id: InferenceIdOption = "jrerank",
    index: Annotated[str | None, typer.Option(help="to search")] = None,
    field: Annotated[str, typer.Option(help="passage field")] = "text",
    query: Annotated[str | None, typer.Option(help="to search for")] = None,
) -> None:
    """Check everything that reranking depends on, and search with and without it; exit code 1 if something is wrong.

    Example: jrerank-admin elasticsearch status --index passages --query 富士山の高さ
    """
    probe = Probe(index, field, query) if index and query else None
    with plain_errors():
        report(findings(live_cluster(context), inference_id, probe))


@app.command()
def remove(
    context: typer.Context,
    inference_id: InferenceIdOption = "jrerank",
    force: Annotated[bool, typer.Option("--force", help="also one that setup did not make")] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Take away what `setup` has made. A dry run looks at the cluster, and changes nothing.

    Example: jrerank-admin elasticsearch remove --inference-id jrerank
    """
    with plain_errors():
        cluster, say = cluster_to_change(context, dry_run, looks=True), speaker(dry_run)
        found = find_inference(cluster, inference_id)
        if found is None:
            say(f"nothing   is there of {inference_id}")
            return
        if not force:
            check_ours(inference_id, found, "--force")
        remove_inference(cluster, inference_id)
        say(f"endpoint  {inference_id} removed")
