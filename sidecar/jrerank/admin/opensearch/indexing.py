"""An index for Japanese passages, made and filled."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.cluster.request import Json, Request
from jrerank.admin.opensearch.bodies import body
from jrerank.admin.opensearch.passages import Passage
from jrerank.admin.opensearch.pipelines import find_pipeline, make_default
from jrerank.errors import ConfigurationError, InvalidInput, Refused, Unavailable

_CHUNK_PASSAGES, _CHUNK_CHARS = 500, 2_000_000
_TOO_MANY = 429
_NO_PIPELINE = "_none"  # by which an index says that it has none
_FIRST_WAIT_S, _LONGEST_WAIT_S, _MAX_ATTEMPTS = 0.5, 30.0, 10


@dataclass(frozen=True, slots=True)
class NewIndex:
    """`dimension` None: the passages carry no vectors."""

    name: str
    shards: int = 1
    replicas: int = 1
    default_pipeline: str | None = None
    vector_field: str = "vector"
    dimension: int | None = None


def create_index(cluster: Cluster, index: NewIndex, say: Callable[[str], object]) -> None:
    """Create it with the best analyzer that all nodes have; one that is there already is left as it is.

    Raises:
        InvalidInput: the default pipeline is not there: every search of the index would fail.
    """
    _check_pipeline(cluster, index.default_pipeline)
    if cluster.look(f"/{index.name}") is not None:
        say(f"index     {index.name} is there: loading into it as it is")
        if index.default_pipeline:
            make_default(cluster, index.name, index.default_pipeline)
        return
    plugins = _plugins(cluster)
    analyzer = "kuromoji" if "analysis-kuromoji" in plugins or cluster.is_dry_run else "cjk"
    has_knn = "opensearch-knn" in plugins or cluster.is_dry_run
    cluster.ask(Request("PUT", f"/{index.name}", index_body(index, analyzer, has_knn)))
    say(
        f"index     {index.name}: analyzer {analyzer}{'' if analyzer == 'kuromoji' else ' (bigrams: no kuromoji here)'}"
    )
    if index.dimension:
        kind = "for k-NN search" if has_knn else "kept, not searchable: no k-NN plugin here"
        say(f"vectors   {index.vector_field}, {index.dimension} numbers, {kind}")


def _check_pipeline(cluster: Cluster, name: str | None) -> None:
    if name in {None, _NO_PIPELINE} or cluster.is_dry_run:
        return
    if find_pipeline(cluster, str(name)) is None:
        raise InvalidInput(
            f"there is no search pipeline {name}: make it by `jrerank-admin opensearch setup --pipeline {name}`, "
            "or name another by --pipeline",
            field="pipeline",
        )


def index_body(index: NewIndex, analyzer: str, has_knn: bool) -> Json:
    """As the cluster takes it. All text is analyzed alike, whatever its field is called."""
    vector: Json = (
        {"type": "knn_vector", "dimension": index.dimension} if has_knn else {"type": "float", "index": False}
    )
    return body(
        "opensearch/bodies/index.json",
        shards=index.shards,
        replicas=index.replicas,
        knn=True if index.dimension and has_knn else None,
        default_pipeline=index.default_pipeline,
        analyzer=analyzer,
        properties={index.vector_field: vector} if index.dimension else None,
    )


def load(
    cluster: Cluster,
    index: str,
    passages: Iterable[Passage],
    loaded: Callable[[Passage], object] = lambda last: None,
    sleep: Callable[[float], object] = time.sleep,
) -> int:
    """Write all passages, in bulks: how many. `loaded` hears of the last one of each bulk.

    Raises:
        ConfigurationError: a passage was refused; those before it are in the index.
        Unavailable: the cluster stays too busy.
    """
    count = 0
    for chunk in _chunks(passages):
        _write(cluster, index, chunk, sleep)
        count += len(chunk)
        loaded(chunk[-1])
    cluster.ask(Request("POST", f"/{index}/_refresh"))
    return count


def _chunks(passages: Iterable[Passage]) -> Iterator[list[Passage]]:
    chunk: list[Passage] = []
    chars = 0
    for passage in passages:
        chunk.append(passage)
        chars += len(json.dumps(passage.content, ensure_ascii=False))
        if len(chunk) >= _CHUNK_PASSAGES or chars >= _CHUNK_CHARS:
            yield chunk
            chunk, chars = [], 0
    if chunk:
        yield chunk


def _write(cluster: Cluster, index: str, chunk: list[Passage], sleep: Callable[[float], object]) -> None:
    """What the cluster is too busy for is sent again, after longer and longer waits."""
    wait_s = _FIRST_WAIT_S
    for _ in range(_MAX_ATTEMPTS):
        chunk = _refused_for_now(cluster, index, chunk)
        if not chunk:
            return
        sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
    raise Unavailable(
        f"the cluster is too busy: {len(chunk)} passages from {chunk[0].id} on were not written"
    )


def _refused_for_now(cluster: Cluster, index: str, chunk: list[Passage]) -> list[Passage]:
    lines = [line for one in chunk for line in ({"index": {"_id": one.id}}, one.content)]
    try:
        answer = cluster.ask(Request("POST", f"/{index}/_bulk", lines=lines))
    except Refused as refused:
        if refused.status == _TOO_MANY:
            return chunk
        raise
    results = [item["index"] for item in answer.get("items", [])]
    for one, result in zip(chunk, results, strict=False):
        if result["status"] >= 400 and result["status"] != _TOO_MANY:
            reason = result.get("error", {}).get("reason")
            raise ConfigurationError(f"passage {one.id} was refused: {result['status']} {reason}")
    return [one for one, result in zip(chunk, results, strict=False) if result["status"] == _TOO_MANY]


def _plugins(cluster: Cluster) -> set[str]:
    """Those that every node has."""
    nodes = list((cluster.look("/_nodes/plugins") or {}).get("nodes", {}).values())
    names = [{one["name"] for one in node["plugins"]} for node in nodes]
    return set.intersection(*names) if names else set()
