"""Search pipelines, and the indexes whose searches go through one by default."""

from __future__ import annotations

from typing import Literal

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.request import Json, Request
from jrerank.errors import InvalidInput, Refused

Route = Literal["plugin", "stock"]
_DEFAULT = "index.search.default_pipeline"
_FORBIDDEN = 403
UNKNOWN_DEFAULTS = (
    "unknown: reading the settings of all indexes is forbidden (indices:monitor/settings/get on *)"
)


def find_pipeline(cluster: Cluster, name: str) -> Json | None:
    """What the cluster has under that name."""
    found = cluster.look(f"/_search/pipeline/{name}")
    return None if found is None else found.get(name)


def put_pipeline(cluster: Cluster, name: str, pipeline: Json) -> None:
    """Create it, or write it anew."""
    cluster.ask(Request("PUT", f"/_search/pipeline/{name}", pipeline))


def delete_pipeline(cluster: Cluster, name: str) -> None:
    """It has to be there."""
    cluster.ask(Request("DELETE", f"/_search/pipeline/{name}"))


def processor(pipeline: Json, kind: str) -> Json | None:
    """The settings of its first processor of that kind, of either side."""
    for side in ("request_processors", "response_processors"):
        for one in pipeline.get(side) or []:
            if kind in one:
                found: Json = one[kind]
                return found
    return None


def pipelines_by_model(cluster: Cluster) -> dict[str, list[str]]:
    """The names of all pipelines that rerank by a model of ML Commons, by its id."""
    found: dict[str, list[str]] = {}
    for name, pipeline in (cluster.look("/_search/pipeline") or {}).items():
        model_id = (processor(pipeline, "rerank") or {}).get("ml_opensearch", {}).get("model_id")
        if model_id is not None:
            found.setdefault(str(model_id), []).append(name)
    return found


def route_of(name: str, pipeline: Json) -> Route:
    """Which of our routes it is.

    Raises:
        InvalidInput: it is neither, and so not ours to touch.
    """
    if processor(pipeline, "jrerank") is not None:
        return "plugin"
    if "ml_opensearch" in (processor(pipeline, "rerank") or {}):
        return "stock"
    raise InvalidInput(
        f"the search pipeline {name} has neither a jrerank nor a rerank processor", field="pipeline"
    )


def passage_fields(pipeline: Json) -> list[str]:
    """The fields that it reads."""
    stock = (processor(pipeline, "rerank") or {}).get("context", {}).get("document_fields")
    ours = (processor(pipeline, "jrerank_window") or {}).get("passage_fields")
    return list(stock or ours or (processor(pipeline, "jrerank") or {}).get("passage_fields") or [])


def make_default(cluster: Cluster, index: str, name: str | None) -> None:
    """Let the index's searches go through it; None: through none."""
    cluster.ask(Request("PUT", f"/{index}/_settings", {_DEFAULT: name}))


def indexes_by_default(cluster: Cluster, name: str) -> list[str]:
    """Those whose searches go through it unless they say otherwise."""
    found = cluster.look(f"/_all/_settings/{_DEFAULT}", flat_settings="true", expand_wildcards="all") or {}
    return sorted(index for index, content in found.items() if content["settings"].get(_DEFAULT) == name)


def indexes_by_default_if_allowed(cluster: Cluster, name: str) -> list[str] | None:
    """As `indexes_by_default`; None where who asks may not read the settings of all indexes."""
    try:
        return indexes_by_default(cluster, name)
    except Refused as refused:
        if refused.status == _FORBIDDEN:
            return None
        raise


def fusion_of(pipeline: Json) -> str:
    """What it makes of the first stage's scores, as `setup --fusion` takes it."""
    fusion = (processor(pipeline, "jrerank") or {}).get("fusion")
    if not fusion:
        return "no fusion, the model's order alone"
    number = fusion.get("weight", fusion.get("rank_constant"))
    return f"fusion {fusion.get('method')}" + ("" if number is None else f":{number}")
