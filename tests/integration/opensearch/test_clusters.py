"""Two clusters that search each other, and nodes with and without the plugin in one of them: no search is worse for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.opensearch.clusters import Other, known_to_each_other, other_cluster
from integration.opensearch.conftest import Sidecars
from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY, passages
from integration.opensearch.search import Engine, ids, marker, scores
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3

pytestmark = [
    pytest.mark.node,
    pytest.mark.parametrize("release", [OPENSEARCH_3], indirect=True, ids=["3.8.0"]),
]

MATCH = {"multi_match": {"query": QUERY, "fields": PASSAGE_FIELDS}}
ROUNDTRIPS = pytest.mark.parametrize("minimize", ["true", "false"])


@pytest.fixture(scope="module")
def other(loaded: Engine, sidecars: Sidecars) -> Iterator[Other]:
    with other_cluster(sidecars.main.url, _put_pipeline) as other:
        _fill(other.plugged, "articles", number_of_shards=2, **{"search.default_pipeline": "rerank"})
        _fill(other.plugged, "narrow", max_result_window=20)
        with known_to_each_other(loaded, other.plugged):
            yield other


def _put_pipeline(engine: Engine) -> None:
    engine.put_pipeline("rerank", endpoint="main", passage_fields=PASSAGE_FIELDS, timeout_ms=10_000)


def _fill(engine: Engine, index: str, **settings: object) -> None:
    text = {"type": "text", "analyzer": "kuromoji"}
    mappings = {"properties": {"title": text, "body": text}}
    engine.put(index, {"settings": {"index": {"number_of_replicas": 0, **settings}}, "mappings": mappings})
    engine.bulk(index, [{**one, "id": f"other-{one['id']}"} for one in passages()[::3]])


def requests(sidecars: Sidecars) -> int:
    asked: int = sidecars.main.asked()["requests"]
    return asked


class TestNodesWithoutThePlugin:
    def test_their_shards_are_searched_too(self, engine: Engine, other: Other, sidecars: Sidecars) -> None:
        shards = other.plugged.http.get("_cat/shards/articles?format=json").json()
        assert {shard["node"] for shard in shards} == {"plugged", "bare"}
        body = {"query": MATCH, "ext": {"jrerank": {"window": 50}}}
        other.plugged.search(body, "articles")  # finds out how large its documents are
        response = other.plugged.search(body, "articles")
        assert (marker(response)["outcome"], marker(response)["reranked"]) == ("complete", 50)
        assert response["_shards"]["failed"] == 0

    def test_what_passes_through_is_read_there_too(self, engine: Engine, other: Other) -> None:
        body = {"query": MATCH, "ext": {"jrerank": {"enabled": False}}}
        assert marker(other.plugged.search(body, "articles"))["reason"] == "disabled"

    def test_counters_come_from_all_nodes_in_one_call(self, engine: Engine, other: Other) -> None:
        before = other.plugged.http.get("_plugins/_jrerank/stats").json()
        other.plugged.search({"query": MATCH}, "articles")
        after = other.plugged.http.get("_plugins/_jrerank/stats").json()
        assert after["_nodes"] == after["_nodes"] | {"total": 2, "successful": 1, "failed": 1}
        assert after["_nodes"]["failures"][0]["type"] == "failed_node_exception"
        (old,), (new,) = before["nodes"].values(), after["nodes"].values()
        assert new["name"] == "plugged"
        assert sum(new["searches"]["outcomes"].values()) == sum(old["searches"]["outcomes"].values()) + 1
        metrics = other.plugged.http.get("_plugins/_jrerank/metrics").text
        assert "jrerank_plugin_failed_nodes 1\n" in metrics


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
