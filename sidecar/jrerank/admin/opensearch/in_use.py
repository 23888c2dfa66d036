"""What a pipeline that is there says, by the names of `setup`'s options: a run that names few of them changes only these."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.request import Json
from jrerank.admin.opensearch import ml_commons
from jrerank.admin.opensearch.pipelines import Route, find_pipeline, processor

_OF_WINDOW = ("window", "timeout_ms", "query_text_path")
_OF_RERANK = (
    "endpoint",
    "timeout_ms",
    "store",
    "fusion",
    "max_tokens_per_doc",
    "hit_details",
    "on_failure",
    "passage_from",
    "unread",
    "min_score",
)
_TIMEOUT = re.compile(r'"timeout_ms": *(\d+)')


def settings_in_use(cluster: Cluster, name: str, route: Route) -> Json:
    """Of the pipeline of that name; nothing where it is not there, or takes the other route."""
    found = find_pipeline(cluster, name) or {}
    return _plugin(found) if route == "plugin" else _stock(cluster, found)


def _plugin(pipeline: Json) -> Json:
    rerank = processor(pipeline, "jrerank")
    if rerank is None:
        return {}
    return _of(processor(pipeline, "jrerank_window") or {}, _OF_WINDOW) | _of(rerank, _OF_RERANK)


def _of(settings: Mapping[str, object], names: tuple[str, ...]) -> Json:
    return {name: settings[name] for name in names if settings.get(name) is not None}


def _stock(cluster: Cluster, pipeline: Json) -> Json:
    """The sidecar's address and its time are the connector's, which the pipeline's model names."""
    model_id = (processor(pipeline, "rerank") or {}).get("ml_opensearch", {}).get("model_id")
    if model_id is None:
        return {}
    connector = ml_commons.connector_of(cluster, str(model_id))
    timeout = _TIMEOUT.search(str(connector.get("actions")))
    found = {
        "oversample": (processor(pipeline, "oversample") or {}).get("sample_factor"),
        "sidecar_url": ml_commons.address_of(connector) or None,
        "timeout_ms": int(timeout[1]) if timeout else None,
    }
    return _of(found, tuple(found))
