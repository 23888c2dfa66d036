"""Whether an inference endpoint reranks: one line for each thing that it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.elasticsearch.inference import find_inference, infer, retriever_body
from jrerank.admin.findings import Finding, checked
from jrerank.admin.opensearch.ml_commons import PROOF_PASSAGES
from jrerank.admin.opensearch.probe import by_scores
from jrerank.errors import InvalidInput

_LICENSED = {"enterprise", "trial"}
_SIZE = 10


@dataclass(frozen=True, slots=True)
class Probe:
    """A search that is to be reranked; it needs all three."""

    index: str
    field: str
    query: str


def findings(cluster: Cluster, inference_id: str, probe: Probe | None) -> Iterator[Finding]:
    """All checks, in the order in which a search needs them."""
    yield (reached := checked("cluster", lambda: _cluster(cluster)))
    if not reached.ok:
        return
    yield checked("licence", lambda: _licence(cluster))
    found = find_inference(cluster, inference_id)
    if found is None:
        yield Finding(
            "endpoint", False, f"there is no {inference_id}: run `jrerank-admin elasticsearch setup`"
        )
        return
    url = found.get("service_settings", {}).get("url")
    yield Finding("endpoint", True, f"{inference_id}: {found.get('service')} calls {url}")
    yield checked("infer", lambda: _infer(cluster, inference_id))
    if probe is None:
        yield Finding("probe", None, "not asked: name --index, --field and --query")
        return
    yield checked("probe", lambda: _probe(cluster, inference_id, probe))


def _cluster(cluster: Cluster) -> Finding:
    version = (cluster.look("/") or {}).get("version", {}).get("number")
    return Finding("cluster", True, f"elasticsearch {version}")


def _licence(cluster: Cluster) -> Finding:
    kind = (cluster.look("/_license") or {}).get("license", {}).get("type")
    needed = (
        "" if kind in _LICENSED else "; the retriever needs enterprise: else ask the sidecar's /v1/search"
    )
    return Finding("licence", True if kind in _LICENSED else None, f"{kind}{needed}")


def _infer(cluster: Cluster, inference_id: str) -> Finding:
    scores = infer(cluster, inference_id)
    right = len(scores) == len(PROOF_PASSAGES)
    return Finding("infer", right, f"scores of two passages: {', '.join(f'{one:.4f}' for one in scores)}")


def _probe(cluster: Cluster, inference_id: str, probe: Probe) -> Finding:
    """A failure is to be seen here, not to be borne."""
    reranked = retriever_body(inference_id, probe.field, probe.query)
    reranked["retriever"]["text_similarity_reranker"]["allow_rerank_failures"] = False
    plain = {"query": {"match": {probe.field: probe.query}}, "size": _SIZE}
    before = cluster.look(f"/{probe.index}/_search", plain)
    after = cluster.look(f"/{probe.index}/_search", reranked | {"size": _SIZE})
    if before is None or after is None:
        raise InvalidInput(f"there is no index {probe.index}", field="index")
    if not before["hits"]["hits"]:
        return Finding("probe", None, f"{probe.index} has no hit for {probe.query!r}: name another --query")
    return by_scores(before, after)
