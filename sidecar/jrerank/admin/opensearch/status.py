"""Whether a pipeline reranks: one line for each thing that it depends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.request import Json
from jrerank.admin.findings import Finding, checked
from jrerank.admin.opensearch import ml_commons
from jrerank.admin.opensearch.existing import problems_of_fields
from jrerank.admin.opensearch.pipelines import (
    UNKNOWN_DEFAULTS,
    find_pipeline,
    fusion_of,
    indexes_by_default_if_allowed,
    passage_fields,
    processor,
    route_of,
)
from jrerank.admin.opensearch.plugin_route import (
    nodes_without_endpoint,
    nodes_without_plugin,
    stats_of_nodes,
)
from jrerank.admin.opensearch.probe import Probe, probe
from jrerank.admin.opensearch.trust import what_is_missing
from jrerank.errors import ConfigurationError


def findings(cluster: Cluster, name: str, index: str | None, query: str | None) -> Iterator[Finding]:
    """All checks, in the order in which a search needs them; `index` None: one that has the pipeline by default."""
    yield (reached := checked("cluster", lambda: _cluster(cluster)))
    if not reached.ok:
        return
    pipeline = find_pipeline(cluster, name)
    if pipeline is None:
        yield Finding(
            "pipeline", False, f"there is no search pipeline {name}: run `jrerank-admin opensearch setup`"
        )
        return
    route = route_of(name, pipeline)
    fields = tuple(passage_fields(pipeline))
    fusion = f"; {fusion_of(pipeline)}" if route == "plugin" else ""
    yield Finding("pipeline", True, f"{name}: {route} route, reads {', '.join(fields) or 'ids only'}{fusion}")
    yield from _plugin(cluster, pipeline) if route == "plugin" else _stock(cluster, pipeline)
    known = indexes_by_default_if_allowed(cluster, name)
    defaults = known or []
    yield Finding("default", None, UNKNOWN_DEFAULTS if known is None else _told(defaults))
    yield from _fields(cluster, sorted({*defaults, *([index] if index else [])}), fields)
    index = index or next(iter(defaults), None)
    if index is None or not fields:
        yield Finding("probe", None, "not asked: name an --index whose passages the pipeline reads")
        return
    yield checked("probe", lambda: probe(cluster, Probe(route, name, index, fields, query)))


def _told(defaults: Sequence[str]) -> str:
    return f"of {', '.join(defaults)}" if defaults else "of no index: searches name it themselves"


def _cluster(cluster: Cluster) -> Finding:
    version = (cluster.look("/") or {}).get("version", {})
    health = (cluster.look("/_cluster/health") or {}).get("status")
    name = f"{version.get('distribution', 'elasticsearch')} {version.get('number')}"
    return Finding("cluster", health != "red", f"{name}, {health}")


def _plugin(cluster: Cluster, pipeline: Json) -> Iterator[Finding]:
    lacking, count = nodes_without_plugin(cluster)
    missing = f"missing on {', '.join(lacking)}" if lacking else f"on all {count} nodes"
    yield Finding("plugin", not lacking, missing)
    name = (processor(pipeline, "jrerank") or {}).get("endpoint")
    try:
        nodes = stats_of_nodes(cluster)
    except ConfigurationError as error:
        yield Finding("endpoint", False, str(error))
        return
    lacking = nodes_without_endpoint(nodes, str(name))
    if lacking or not nodes:
        yield Finding(
            "endpoint", False, f"{name} is not in the settings of {', '.join(lacking) or 'any node'}"
        )
    for node in nodes:
        for one in node["endpoints"].get(name, []):
            text = f"{name} at {one['url']}: circuit {one['circuit']}, {one['failures_in_a_row']} failures in a row"
            yield Finding("endpoint", one["circuit"] == "closed", f"{text}, as {node['name']} has it")


def _fields(cluster: Cluster, indexes: Sequence[str], fields: Sequence[str]) -> Iterator[Finding]:
    problems = [problem for index in indexes for problem in problems_of_fields(cluster, index, fields)]
    if indexes and fields:
        yield Finding(
            "fields", not problems, "; ".join(problems) or f"in the mappings of {', '.join(indexes)}"
        )


def _stock(cluster: Cluster, pipeline: Json) -> Iterator[Finding]:
    model_id = str((processor(pipeline, "rerank") or {})["ml_opensearch"]["model_id"])
    model = cluster.look(f"/_plugins/_ml/models/{model_id}")
    if model is None:
        yield Finding("model", False, f"{model_id} is not there: run `jrerank-admin opensearch setup` again")
        return
    connector = cluster.look(f"/_plugins/_ml/connectors/{model.get('connector_id')}") or {}
    url = ml_commons.address_of(connector)
    yield Finding("connector", bool(url), f"{model.get('connector_id')} calls {url or 'nothing of ours'}")
    missing = what_is_missing(cluster, url)
    yield Finding(
        "settings", not missing, f"do not allow it: {', '.join(missing)}" if missing else "allow it"
    )
    yield Finding(
        "model", model.get("model_state") == "DEPLOYED", f"{model_id} is {model.get('model_state')}"
    )
    yield checked("predict", lambda: _predict(cluster, model_id))


def _predict(cluster: Cluster, model_id: str) -> Finding:
    scores = ml_commons.predict(cluster, model_id)
    right = len(scores) == len(ml_commons.PROOF_PASSAGES)
    return Finding("predict", right, f"scores of two passages: {', '.join(f'{one:.4f}' for one in scores)}")
