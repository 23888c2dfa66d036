"""`opensearch setup`: from options to one of the two routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.connected import cluster_to_change, speaker
from jrerank.admin.cluster.options import SIDECAR_KEY_HELP, SIDECAR_URL_HELP, DryRunOption
from jrerank.admin.opensearch.existing import check_fields, check_made_by_setup, fields_in_use
from jrerank.admin.opensearch.pipelines import UNKNOWN_DEFAULTS, indexes_by_default_if_allowed, make_default
from jrerank.admin.opensearch.plugin_route import PluginRoute, read_fusion, set_up_plugin
from jrerank.admin.opensearch.sidecar_address import checked_sidecar_url, sidecar_key
from jrerank.admin.opensearch.stock_route import StockRoute, set_up_stock
from jrerank.admin.opensearch.trust import is_private
from jrerank.admin.options import plain_errors
from jrerank.errors import InvalidInput

_PLUGIN, _STOCK = "Plugin route", "Stock route"
_ONLY_PLUGIN = (
    "endpoint",
    "window",
    "store",
    "fusion",
    "max_tokens_per_doc",
    "hit_details",
    "on_failure",
    "query_text_path",
    "passage_from",
    "unread",
    "min_score",
)
_ONLY_STOCK = ("sidecar_url", "sidecar_key_file", "oversample", "private", "cluster_settings")


def setup(
    context: typer.Context,
    route: Annotated[str, typer.Option(help="plugin, or stock where no plugin can be installed")] = "plugin",
    pipeline: Annotated[str, typer.Option(help="name of the search pipeline")] = "rerank",
    field: Annotated[
        list[str] | None,
        typer.Option(
            help="passage field; may be repeated [default: the pipeline's own, or title, text; with --store none]"
        ),
    ] = None,
    default_for: Annotated[
        list[str] | None, typer.Option(help="index whose searches go through it by default; may be repeated")
    ] = None,
    timeout_ms: Annotated[int, typer.Option(min=1, max=600_000, help="time for reranking")] = 500,
    endpoint: Annotated[
        str | None, typer.Option(help="one that the node settings name", rich_help_panel=_PLUGIN)
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="hits to rerank [default: 100]", rich_help_panel=_PLUGIN),
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="store of the sidecar that has the passages", rich_help_panel=_PLUGIN)
    ] = None,
    fusion: Annotated[
        str | None,
        typer.Option(
            help="linear:WEIGHT (0.6 with bundled over kuromoji) or rrf:RANK_CONSTANT",
            rich_help_panel=_PLUGIN,
        ),
    ] = None,
    max_tokens_per_doc: Annotated[
        int | None, typer.Option(min=1, help="read this much of a passage", rich_help_panel=_PLUGIN)
    ] = None,
    hit_details: Annotated[
        bool | None,
        typer.Option("--hit-details", help="old score and rank on each hit", rich_help_panel=_PLUGIN),
    ] = None,
    on_failure: Annotated[
        str | None, typer.Option(help="keep, or error: fail the search", rich_help_panel=_PLUGIN)
    ] = None,
    passage_from: Annotated[
        str | None,
        typer.Option(help="fields, values (the best counts) or highlight", rich_help_panel=_PLUGIN),
    ] = None,
    unread: Annotated[
        str | None,
        typer.Option(help="hits the model has not read: below, keep or cut", rich_help_panel=_PLUGIN),
    ] = None,
    min_score: Annotated[
        float | None, typer.Option(help="leave out hits below it, reranked", rich_help_panel=_PLUGIN)
    ] = None,
    query_text_path: Annotated[
        str | None,
        typer.Option(help="where searches have their text [default: found]", rich_help_panel=_PLUGIN),
    ] = None,
    sidecar_url: Annotated[str | None, typer.Option(help=SIDECAR_URL_HELP, rich_help_panel=_STOCK)] = None,
    sidecar_key_file: Annotated[
        Path | None, typer.Option(help=SIDECAR_KEY_HELP, rich_help_panel=_STOCK)
    ] = None,
    oversample: Annotated[
        float | None,
        typer.Option(
            min=1, help="rerank this many times what a search asks for [default: 10]", rich_help_panel=_STOCK
        ),
    ] = None,
    private: Annotated[
        bool | None,
        typer.Option(
            "--private/--public", help="kind of the address [default: as it looks]", rich_help_panel=_STOCK
        ),
    ] = None,
    cluster_settings: Annotated[
        bool | None,
        typer.Option(
            "--cluster-settings/--no-cluster-settings",
            help="let connectors call the address",
            rich_help_panel=_STOCK,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="replace a pipeline made by hand, use fields that no mapping has")
    ] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Make a search pipeline that reranks, and what it needs. Run it again to change it.

    Example: jrerank-admin opensearch setup --route plugin --field title --field text --default-for passages
    """
    with plain_errors():
        cluster, say = cluster_to_change(context, dry_run), speaker(dry_run)
        in_use = () if field or store else fields_in_use(cluster, pipeline)
        fields = tuple(field or (() if store else in_use or ("title", "text")))
        if not force:
            check_made_by_setup(cluster, pipeline, "choose another --pipeline, or replace it by --force")
            check_fields(cluster, [*(default_for or []), *_defaults(cluster, pipeline, say)], fields)
        if route == "plugin":
            _refuse(context, _ONLY_STOCK, route)
            plugin = PluginRoute(
                pipeline,
                fields,
                endpoint=endpoint,
                window=window or 100,
                timeout_ms=timeout_ms,
                store=store,
                fusion=read_fusion(fusion) if fusion else None,
                max_tokens_per_doc=max_tokens_per_doc,
                hit_details=bool(hit_details),
                on_failure=_checked("on_failure", on_failure, ("keep", "error")) or "keep",
                query_text_path=query_text_path,
                passage_from=_checked("passage_from", passage_from, ("fields", "values", "highlight")),
                unread=_checked("unread", unread, ("below", "keep", "cut")),
                min_score=min_score,
            )
            set_up_plugin(cluster, plugin, say)
        elif route == "stock":
            _refuse(context, _ONLY_PLUGIN, route)
            url = checked_sidecar_url(sidecar_url)
            stock = StockRoute(
                pipeline,
                fields,
                url,
                sidecar_key(sidecar_key_file, dry_run),
                private=is_private(url) if private is None else private,
                oversample=oversample or 10.0,
                timeout_ms=timeout_ms,
                with_settings=cluster_settings is not False,
            )
            set_up_stock(cluster, stock, say)
        else:
            raise InvalidInput(f"--route {route}: there are plugin and stock", field="route")
        for index in default_for or []:
            make_default(cluster, index, pipeline)
            say(f"default   searches of {index} go through {pipeline}")


def _defaults(cluster: Cluster, pipeline: str, say: Callable[[str], object]) -> list[str]:
    """The indexes whose searches go through it, as far as they may be known: they need its fields."""
    found = indexes_by_default_if_allowed(cluster, pipeline)
    if found is None:
        say(f"default   {UNKNOWN_DEFAULTS}; whether such indexes have the fields was not looked at")
    return found or []


def _refuse(context: typer.Context, options: Sequence[str], route: str) -> None:
    """An option of the other route would do nothing, without a word."""
    given = [name for name in options if context.params[name] is not None]
    if given:
        option = given[0].replace("_", "-")
        raise InvalidInput(f"--{option} means nothing on the {route} route", field=given[0])


def _checked(name: str, word: str | None, words: Sequence[str]) -> str | None:
    if word is not None and word not in words:
        known = f"{', '.join(words[:-1])} and {words[-1]}"
        raise InvalidInput(f"--{name.replace('_', '-')} {word}: there are {known}", field=name)
    return word
