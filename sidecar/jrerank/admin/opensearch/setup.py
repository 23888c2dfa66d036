"""`opensearch setup`: from options to one of the two routes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.connected import cluster_to_change, speaker
from jrerank.admin.cluster.options import SIDECAR_KEY_HELP, SIDECAR_URL_HELP, DryRunOption
from jrerank.admin.opensearch.existing import check_fields, check_made_by_setup, fields_in_use
from jrerank.admin.opensearch.in_use import settings_in_use
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
_OF_PLUGIN, _OF_STOCK = (*_ONLY_PLUGIN, "timeout_ms"), ("sidecar_url", "oversample", "timeout_ms")
_WORDS = {
    "on_failure": ("keep", "error"),
    "passage_from": ("fields", "values", "highlight"),
    "unread": ("below", "keep", "cut"),
}
_TIMEOUT_MS = 500


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
    timeout_ms: Annotated[
        int | None, typer.Option(min=1, max=600_000, help="time for reranking [default: 500]")
    ] = None,
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
            help="linear:WEIGHT (0.6 with bundled over kuromoji), rrf:RANK_CONSTANT or none",
            rich_help_panel=_PLUGIN,
        ),
    ] = None,
    max_tokens_per_doc: Annotated[
        int | None, typer.Option(min=1, help="read this much of a passage", rich_help_panel=_PLUGIN)
    ] = None,
    hit_details: Annotated[
        bool | None,
        typer.Option(
            "--hit-details/--no-hit-details", help="old score and rank on each hit", rich_help_panel=_PLUGIN
        ),
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
    reset: Annotated[
        bool,
        typer.Option("--reset", help="what is not named gets its default, not what the pipeline has now"),
    ] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Make a search pipeline that reranks, and what it needs. Run it again to change what you name, and nothing else.

    Example: jrerank-admin opensearch setup --route plugin --field title --field text --default-for passages
    """
    with plain_errors():
        _check_options(context, route)
        cluster, say = cluster_to_change(context, dry_run), speaker(dry_run)
        if not force:
            check_made_by_setup(cluster, pipeline, "choose another --pipeline, or replace it by --force")
        settings = _settings(context, cluster, reset, say)
        fields = tuple(field or (() if settings.get("store") else _fields(cluster, pipeline, reset)))
        if not force:
            check_fields(cluster, [*(default_for or []), *_defaults(cluster, pipeline, say)], fields)
        if route == "plugin":
            set_up_plugin(cluster, PluginRoute(pipeline, fields, **settings), say)
        else:
            key = sidecar_key(sidecar_key_file, dry_run)
            with_settings = cluster_settings is not False
            set_up_stock(cluster, _stock_route(pipeline, fields, settings, key, private, with_settings), say)
        for index in default_for or []:
            make_default(cluster, index, pipeline)
            say(f"default   searches of {index} go through {pipeline}")


def _check_options(context: typer.Context, route: str) -> None:
    if route not in {"plugin", "stock"}:
        raise InvalidInput(f"--route {route}: there are plugin and stock", field="route")
    _refuse(context, _ONLY_STOCK if route == "plugin" else _ONLY_PLUGIN, route)
    for name, words in _WORDS.items():
        _check_word(name, context.params[name], words)


def _settings(
    context: typer.Context, cluster: Cluster, reset: bool, say: Callable[[str], object]
) -> dict[str, Any]:
    """What the options name, and for the rest, unless `reset`, what the pipeline has now."""
    options = context.params
    names = _OF_PLUGIN if options["route"] == "plugin" else _OF_STOCK
    named = {name: options[name] for name in names if options[name] is not None}
    if "fusion" in named:
        named["fusion"] = read_fusion(named["fusion"])
    in_use = {} if reset else settings_in_use(cluster, options["pipeline"], options["route"])
    kept = {name: value for name, value in in_use.items() if name not in named}
    if options["field"]:  # the passages come from these, no longer from a store
        kept.pop("store", None)
    if kept:
        shown = ", ".join(f"{name.replace('_', '-')} {json.dumps(value)}" for name, value in kept.items())
        say(f"kept      {shown}; --reset goes back to the defaults")
    return {"timeout_ms": _TIMEOUT_MS} | kept | named


def _fields(cluster: Cluster, pipeline: str, reset: bool) -> tuple[str, ...]:
    return (() if reset else fields_in_use(cluster, pipeline)) or ("title", "text")


def _stock_route(
    pipeline: str,
    fields: tuple[str, ...],
    settings: dict[str, Any],
    key: str | None,
    private: bool | None,
    with_settings: bool,
) -> StockRoute:
    url = checked_sidecar_url(settings.get("sidecar_url"))
    is_private_url = is_private(url) if private is None else private
    named = settings | {"sidecar_url": url}
    return StockRoute(
        pipeline, fields, sidecar_key=key, private=is_private_url, with_settings=with_settings, **named
    )


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


def _check_word(name: str, word: str | None, words: Sequence[str]) -> None:
    if word is not None and word not in words:
        known = f"{', '.join(words[:-1])} and {words[-1]}"
        raise InvalidInput(f"--{name.replace('_', '-')} {word}: there are {known}", field=name)
