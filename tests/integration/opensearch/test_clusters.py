"""Two clusters that search each other, and nodes with and without the plugin in one of them: no search is worse for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from integration.opensearch.conftest import Sidecars
from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY, passages
from integration.opensearch.search import Engine, Json, ids, marker, scores
from jrerank.admin.opensearch_node.node import Node, free_port
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3

pytestmark = [
    pytest.mark.node,
    pytest.mark.parametrize("release", [OPENSEARCH_3], indirect=True, ids=["3.8.0"]),
]

MATCH = {"multi_match": {"query": QUERY, "fields": PASSAGE_FIELDS}}
ROUNDTRIPS = pytest.mark.parametrize("minimize", ["true", "false"])


@dataclass(frozen=True)
class Other:
    """Another cluster: a node with the plugin, and one without it."""

    plugged: Engine
    bare: Engine


@pytest.fixture(scope="module")
def other(loaded: Engine, sidecars: Sidecars) -> Iterator[Other]:
    ports = [free_port(), free_port()]
    common: Json = {
        "cluster.name": "other",
        "discovery.type": "zen",
        "discovery.seed_hosts": f"127.0.0.1:{ports[0]}",
        "cluster.initial_cluster_manager_nodes": "plugged",
    }
    with ExitStack() as stack:
        endpoint = {"jrerank.endpoint.main.urls": sidecars.main.url}
        plugged = Node(settings=common | endpoint | {"node.name": "plugged", "transport.port": ports[0]})
        plugged_engine = stack.enter_context(Engine(stack.enter_context(plugged).url))
        plugged_engine.put_pipeline("rerank", endpoint="main", passage_fields=PASSAGE_FIELDS)
        bare = Node(settings=common | {"node.name": "bare", "transport.port": ports[1]}, has_plugin=False)
        bare_engine = stack.enter_context(Engine(stack.enter_context(bare).url))
        _fill(plugged_engine, "articles", number_of_shards=2, **{"search.default_pipeline": "rerank"})
        _fill(plugged_engine, "narrow", max_result_window=20)
        _know_each_other(loaded, plugged_engine)
        yield Other(plugged_engine, bare_engine)
        loaded.put("_cluster/settings", {"persistent": {"cluster.remote.*": None}})


def _fill(engine: Engine, index: str, **settings: object) -> None:
    text = {"type": "text", "analyzer": "kuromoji"}
    mappings = {"properties": {"title": text, "body": text}}
    engine.put(index, {"settings": {"index": {"number_of_replicas": 0, **settings}}, "mappings": mappings})
    engine.bulk(index, [{**one, "id": f"other-{one['id']}"} for one in passages()[::3]])


def _know_each_other(home: Engine, other: Engine) -> None:
    for engine, name, remote in ((home, "other", other), (other, "home", home)):
        nodes = remote.http.get("_nodes/_local/transport").json()["nodes"].values()
        (address,) = [node["transport_address"] for node in nodes]
        # through this node alone: one without the plugin cannot answer for an index whose default pipeline needs it
        remote_settings = {"mode": "proxy", "proxy_address": address}
        engine.put("_cluster/settings", {"persistent": {f"cluster.remote.{name}": remote_settings}})


def requests(sidecars: Sidecars) -> int:
    asked: int = sidecars.main.asked()["requests"]
    return asked


class TestNodesWithoutThePlugin:
    def test_their_shards_are_searched_too(self, engine: Engine, other: Other, sidecars: Sidecars) -> None:
        shards = other.plugged.http.get("_cat/shards/articles?format=json").json()
        assert {shard["node"] for shard in shards} == {"plugged", "bare"}
        body = {"query": MATCH, "ext": {"jrerank": {"window": 50}}}
        response = other.plugged.search(body, "articles")
        assert (marker(response)["outcome"], marker(response)["reranked"]) == ("complete", 50)
        assert response["_shards"]["failed"] == 0

    def test_what_passes_through_is_read_there_too(self, engine: Engine, other: Other) -> None:
        body = {"query": MATCH, "ext": {"jrerank": {"enabled": False}}}
        assert marker(other.plugged.search(body, "articles"))["reason"] == "disabled"


class TestFromACluster:
    """Its search is answered in part here, where an index has a default pipeline."""

    @ROUNDTRIPS
    def test_without_the_plugin(
        self, engine: Engine, other: Other, sidecars: Sidecars, minimize: str
    ) -> None:
        before = requests(sidecars)
        body = {"query": MATCH, "size": 20}
        response = other.bare.search(body, "home:docs", ccs_minimize_roundtrips=minimize)
        assert response["_clusters"] == {"total": 1, "successful": 1, "skipped": 0}
        plain = engine.plain(body)
        assert (ids(response), scores(response)) == (ids(plain), scores(plain))
        assert "ext" not in response
        assert requests(sidecars) == before

    @ROUNDTRIPS
    def test_with_the_plugin_and_default_pipelines_on_both_sides(
        self, engine: Engine, other: Other, minimize: str
    ) -> None:
        body = {"query": MATCH, "size": 30}
        response = engine.search(body, "docs,other:articles", ccs_minimize_roundtrips=minimize)
        here, there = (
            engine.plain({**body, "size": 30}),
            other.plugged.plain({**body, "size": 30}, "articles"),
        )
        best = sorted((*scores(here), *scores(there)), reverse=True)[:30]
        assert scores(response) == pytest.approx(best)
        assert {hit["_index"] for hit in response["hits"]["hits"]} == {"docs", "other:articles"}


class TestToACluster:
    """The pipeline is this cluster's, and what the other's indexes can give is not known here."""

    @ROUNDTRIPS
    @pytest.mark.parametrize("index", ["docs,other:narrow", "other:narrow", "other:*"])
    def test_passes_through_and_says_so(
        self, engine: Engine, other: Other, sidecars: Sidecars, index: str, minimize: str
    ) -> None:
        before = requests(sidecars)
        body = {"query": MATCH, "size": 5, "_source": ["number"], "ext": {"jrerank": {"hit_details": False}}}
        how = {"ccs_minimize_roundtrips": minimize}
        response = engine.search(body, index, search_pipeline="rerank", **how)
        assert marker(response)["reason"] == "remote_cluster"
        assert response["hits"] == engine.plain(body, index, **how)["hits"]
        assert requests(sidecars) == before

    def test_a_page_is_reranked_within_itself_by_a_pipeline_that_widens_nothing(
        self, engine: Engine, other: Other
    ) -> None:
        engine.put_pipeline("page", window=None, passage_fields=PASSAGE_FIELDS, endpoint="main")
        response = engine.search({"query": MATCH, "size": 15}, "docs,other:narrow", search_pipeline="page")
        assert marker(response)["reranked"] == 15
        assert scores(response) == sorted(scores(response), reverse=True)
