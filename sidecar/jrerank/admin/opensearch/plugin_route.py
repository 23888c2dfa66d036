"""Reranking by the plugin: a search pipeline of `jrerank_window` and `jrerank`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.request import Json
from jrerank.admin.opensearch.bodies import body
from jrerank.admin.opensearch.existing import DESCRIPTIONS
from jrerank.admin.opensearch.pipelines import fusion_of, put_pipeline
from jrerank.errors import ConfigurationError, InvalidInput, Refused

STATS = "/_plugins/_jrerank/stats"
_METHODS = {"linear": "weight", "rrf": "rank_constant"}


@dataclass(frozen=True, slots=True)
class PluginRoute:
    """What the pipeline is to say; `endpoint` None: the one that the node settings name."""

    pipeline: str
    passage_fields: tuple[str, ...]
    endpoint: str | None = None
    window: int = 100
    timeout_ms: int = 500
    store: str | None = None
    fusion: Json | None = None
    max_tokens_per_doc: int | None = None
    hit_details: bool = False
    on_failure: str = "keep"
    query_text_path: str | None = None
    passage_from: str | None = None
    unread: str | None = None
    min_score: float | None = None


def set_up_plugin(cluster: Cluster, route: PluginRoute, say: Callable[[str], object]) -> None:
    """Write the pipeline, once all nodes have the plugin and an endpoint of that name.

    Raises:
        ConfigurationError: a node lacks one of them; the message says what to do.
    """
    endpoint = route.endpoint or "main"
    if not cluster.is_dry_run:
        check_installed(cluster)
        endpoint = _endpoint(cluster, route.endpoint)
    pipeline = pipeline_body(route, endpoint)
    put_pipeline(cluster, route.pipeline, pipeline)
    bounds = f"window {route.window}, endpoint {endpoint}, {route.timeout_ms} ms"
    say(f"pipeline  {route.pipeline}: {bounds}, {fusion_of(pipeline)}")


def pipeline_body(route: PluginRoute, endpoint: str) -> Json:
    """As the cluster takes it."""
    return body(
        "opensearch/bodies/plugin-pipeline.json",
        description=DESCRIPTIONS["plugin"],
        window=route.window,
        passage_fields=list(route.passage_fields) or None,
        query_text_path=route.query_text_path,
        endpoint=endpoint,
        timeout_ms=route.timeout_ms,
        store=route.store,
        fusion=route.fusion,
        max_tokens_per_doc=route.max_tokens_per_doc,
        hit_details=route.hit_details or None,
        on_failure=route.on_failure,
        passage_from=route.passage_from,
        unread=route.unread,
        min_score=route.min_score,
    )


def read_fusion(text: str) -> Json | None:
    """`linear:0.1` or `rrf:60`, the number being the weight or the rank constant, as the pipeline says it; None for `none`.

    Raises:
        InvalidInput: it is neither.
    """
    if text == "none":
        return None
    method, _, number = text.partition(":")
    try:
        value = int(number) if method == "rrf" else float(number)
        return {"method": method, _METHODS[method]: value}
    except (KeyError, ValueError):
        raise InvalidInput(
            f"--fusion {text}: write linear:WEIGHT, rrf:RANK_CONSTANT or none", field="fusion"
        ) from None


def nodes_without_plugin(cluster: Cluster) -> tuple[list[str], int]:
    """The names of the nodes that lack it, and how many nodes there are."""
    nodes = (cluster.look("/_nodes/plugins") or {}).get("nodes", {}).values()
    lacking = [node["name"] for node in nodes if "jrerank" not in {one["name"] for one in node["plugins"]}]
    return sorted(lacking), len(nodes)


def check_installed(cluster: Cluster) -> None:
    """All nodes have the plugin.

    Raises:
        ConfigurationError: some lack it; the message names them.
    """
    lacking, _ = nodes_without_plugin(cluster)
    if lacking:
        raise ConfigurationError(
            f"no jrerank plugin on {', '.join(lacking)}: build it with `jrerank-admin opensearch plugin build`, "
            "install it there with `opensearch-plugin install file://...`, and restart the node"
        )


def stats_of_nodes(cluster: Cluster) -> list[Json]:
    """The counters of each node with the plugin, by the nodes' names; none where the one that answers lacks it.

    Raises:
        ConfigurationError: the node that answers has an older plugin, or some nodes gave no answer; the message names them.
    """
    try:
        found = cluster.look(STATS) or {}
    except Refused as refused:
        if refused.status == 400:  # what a node says of a path that no plugin has registered
            return []
        raise
    if found and "nodes" not in found:
        raise ConfigurationError(
            "the node that answers has an older jrerank plugin, which tells of no other node: install this "
            "version's on every node, and restart it"
        )
    if failures := found.get("_nodes", {}).get("failures"):
        raise ConfigurationError(
            f"no counters of the jrerank plugin from {', '.join(_failed(cluster, failures))}: see these nodes' "
            "logs; a node with an older plugin gives none"
        )
    return sorted(found.get("nodes", {}).values(), key=lambda node: str(node["name"]))


def _failed(cluster: Cluster, failures: Sequence[Json]) -> list[str]:
    """The names of nodes that failed, or their ids."""
    nodes = (cluster.look("/_nodes/plugins") or {}).get("nodes", {})
    ids = [str(failure.get("node_id")) for failure in failures]
    return sorted(str(nodes.get(id, {}).get("name", id)) for id in ids)


def nodes_without_endpoint(nodes: Sequence[Json], name: str) -> list[str]:
    """The names of those whose settings lack it."""
    return [node["name"] for node in nodes if name not in node["endpoints"]]


def _endpoint(cluster: Cluster, asked: str | None) -> str:
    nodes = stats_of_nodes(cluster)
    known = sorted({name for node in nodes for name in node["endpoints"]})
    name = asked if asked is not None or len(known) != 1 else str(known[0])
    if name is not None and name in known:
        if lacking := nodes_without_endpoint(nodes, name):
            raise ConfigurationError(
                f"the settings of {', '.join(lacking)} lack jrerank.endpoint.{name}.urls: opensearch.yml has to say the same "
                "on every node"
            )
        return name
    if not known:
        raise ConfigurationError(
            "no endpoint is named in the node settings: put jrerank.endpoint.main.urls, with the sidecar's "
            "address, into opensearch.yml of every node, and restart it"
        )
    wrong = (
        f"the node settings name no endpoint {asked}" if asked else "the node settings name several endpoints"
    )
    raise InvalidInput(f"{wrong}: choose by --endpoint from {', '.join(known)}", field="endpoint")
