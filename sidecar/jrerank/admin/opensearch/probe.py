"""A search with the pipeline beside the same search without: whether reranking really happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.request import Json
from jrerank.admin.findings import Finding
from jrerank.admin.opensearch.pipelines import Route
from jrerank.errors import InvalidInput

_SIZE = 10
_QUERY_CHARS = 30
# Why searches would go on being reranked in part; other reasons, such as a busy node, pass or are meant
_FAULTS = {"deadline", "missing_passages", "engine_error", "store_error", "store_timeout"}


@dataclass(frozen=True, slots=True)
class Probe:
    """`query` None: the beginning of a passage that the index has."""

    route: Route
    pipeline: str
    index: str
    passage_fields: tuple[str, ...]
    query: str | None = None


def probe(cluster: Cluster, asked: Probe) -> Finding:
    """Ask both ways, and compare."""
    query = asked.query or _some_text(cluster, asked)
    if query is None:
        return Finding("probe", None, f"{asked.index} has no document with {', '.join(asked.passage_fields)}")
    match: Json = {
        "query": {"multi_match": {"query": query, "fields": list(asked.passage_fields)}},
        "size": _SIZE,
    }
    before = _search(cluster, asked.index, match, "_none")
    after = _search(cluster, asked.index, match | {"ext": _ext(asked.route, query)}, asked.pipeline)
    if not before["hits"]["hits"]:
        return Finding("probe", None, f"{asked.index} has no hit for {query!r}: name another --query")
    finding = by_marker if asked.route == "plugin" else by_scores
    return finding(before, after)


def by_marker(before: Json, after: Json) -> Finding:
    """The plugin says what became of a search."""
    marker = after.get("ext", {}).get("jrerank")
    if marker is None:
        return Finding("probe", False, "the answer has no ext.jrerank: another pipeline has answered")
    if marker["outcome"] == "passthrough":
        return Finding("probe", False, f"passthrough: {marker['reason']}")
    done = f"{_outcome(marker)}, {marker['reranked']} hits in {marker['took_ms']} ms by {marker['model']}"
    return Finding("probe", _is_right(marker), f"{done}{_found(after)}; {_moved(before, after)}")


def _outcome(marker: Json) -> str:
    return f"partial ({marker['reason']})" if marker["outcome"] == "partial" else str(marker["outcome"])


def _is_right(marker: Json) -> bool | None:
    if marker["outcome"] == "complete":
        return True
    return False if marker["reason"] in _FAULTS else None


def _found(after: Json) -> str:
    """What the hits were compared with, as the plugin has found it in the query."""
    for hit in after["hits"]["hits"][:1]:
        for details in hit.get("fields", {}).get("_jrerank", []):
            return f", for {details.get('query')!r}"
    return ""


def by_scores(before: Json, after: Json) -> Finding:
    """The stock processor says nothing: a search that it has let through has the first stage's scores."""
    first = {hit["_id"]: hit["_score"] for hit in before["hits"]["hits"]}
    new = [hit["_score"] for hit in after["hits"]["hits"]]
    if [first.get(hit["_id"]) for hit in after["hits"]["hits"]] == new:
        return Finding("probe", False, "the scores are still those of the first stage: see the lines above")
    return Finding(
        "probe", True, f"new scores from {max(new):.4f} to {min(new):.4f}; {_moved(before, after)}"
    )


def _moved(before: Json, after: Json) -> str:
    old, new = ([hit["_id"] for hit in answer["hits"]["hits"]] for answer in (before, after))
    changed = sum(place >= len(old) or old[place] != one for place, one in enumerate(new))
    return f"{changed} of {len(new)} places have another hit than before"


def _ext(route: Route, query: str) -> Json:
    if route == "plugin":
        return {"jrerank": {"hit_details": True}}
    return {"rerank": {"query_context": {"query_text": query}}}


def _some_text(cluster: Cluster, asked: Probe) -> str | None:
    exists = [{"exists": {"field": field}} for field in asked.passage_fields]
    body: Json = {"query": {"bool": {"should": exists}}, "size": 1, "_source": list(asked.passage_fields)}
    for hit in _search(cluster, asked.index, body, "_none")["hits"]["hits"]:
        for field in reversed(asked.passage_fields):
            text = _at(hit["_source"], field)
            if isinstance(text, str) and text.strip():
                return text.strip()[:_QUERY_CHARS]
    return None


def _at(source: Any, path: str) -> Any:
    for key in path.split("."):
        source = source.get(key) if isinstance(source, dict) else None
    return source


def _search(cluster: Cluster, index: str, body: Json, pipeline: str) -> Json:
    answer = cluster.look(f"/{index}/_search", body, search_pipeline=pipeline)
    if answer is None:
        raise InvalidInput(f"there is no index {index}", field="index")
    return answer
