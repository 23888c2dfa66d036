"""The real sidecar with the bundled model behind the plugin: the order is what the sidecar says when asked directly.

What else a search may hold, and every fault: test_pipeline.py and test_faults.py, with a sidecar whose answers are foretold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from integration.opensearch.conftest import need
from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY, load
from integration.opensearch.search import Engine, Json, ids, marker, scores
from jrerank.admin.opensearch_node.node import Node
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3
from jrerank.admin.ports import free_port
from sidecars import running_sidecar

pytestmark = pytest.mark.node

MATCH = {"multi_match": {"query": QUERY, "fields": PASSAGE_FIELDS}}
WINDOW = 30
KEY = "a-key-for-the-connector"


@dataclass(frozen=True)
class Stack:
    """A node whose index `docs`, of three shards, reranks by default; and the sidecar that it asks."""

    engine: Engine
    sidecar: httpx.Client

    def asked_directly(self, body: Json, **more: Any) -> list[tuple[str, float]]:
        """The first hits without a pipeline, as the sidecar orders them, then the others, scored below all of those."""
        first = self.engine.plain({**body, "from": 0, "size": 100, "_source": True})["hits"]["hits"]
        hits = [
            {
                "id": hit["_id"],
                "score": hit["_score"],
                "text": "\n".join(hit["_source"][field] for field in PASSAGE_FIELDS),
            }
            for hit in first[:WINDOW]
        ]
        response = self.sidecar.post("/v1/hits", json={"query": QUERY, "hits": hits, **more})
        answer = response.raise_for_status().json()
        assert answer["outcome"] == "complete"
        order = [(hit["id"], hit["score"]) for hit in answer["hits"]]
        unread = [(hit["_id"], -0.01 * n / (n + 100)) for n, hit in enumerate(first[WINDOW:], start=1)]
        return order + unread


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    need(OPENSEARCH_3)
    port = free_port()
    store = {
        "kind": "opensearch",
        "urls": f"http://127.0.0.1:{port}",
        "index": "docs",
        "text_fields": PASSAGE_FIELDS,
    }
    folder = tmp_path_factory.mktemp("sidecar")
    with (
        running_sidecar(folder, api_keys=KEY, stores=json.dumps({"docs": store})) as sidecar,
        Node(
            settings={"jrerank.endpoint.main.urls": sidecar.url},
            secrets={"jrerank.endpoint.main.api_key": KEY},
            port=port,
        ) as node,
        Engine(node.url) as engine,
        sidecar.client(KEY) as direct,
    ):
        options: Json = {"endpoint": "main", "timeout_ms": 60_000}
        engine.put_pipeline("rerank", WINDOW, PASSAGE_FIELDS, **options)
        engine.put_pipeline("by-id", WINDOW, None, store="docs", **options)
        fusion = {"method": "linear", "weight": 0.5}
        engine.put_pipeline("fused", WINDOW, PASSAGE_FIELDS, fusion=fusion, **options)
        load(engine, "docs", kuromoji=True, default_pipeline="rerank")
        engine.search(
            {"query": MATCH}
        )  # by its first search a node learns what an index's hits cost to fetch
        yield Stack(engine, direct)


def assert_order(response: Json, expected: list[tuple[str, float]]) -> None:
    assert marker(response) == marker(response) | {
        "outcome": "complete",
        "reason": None,
        "reranked": WINDOW,
        "model": "bundled",
    }
    assert ids(response) == [identifier for identifier, _ in expected]
    assert scores(response) == pytest.approx([score for _, score in expected], rel=1e-5)


def test_the_default_pipeline_reorders_by_the_model(stack: Stack) -> None:
    expected = stack.asked_directly({"query": MATCH})
    response = stack.engine.search({"query": MATCH})
    assert_order(response, expected[:10])
    plain = stack.engine.plain({"query": MATCH})
    assert ids(response) != ids(plain)
    assert response["hits"]["total"] == plain["hits"]["total"]


def test_page_2_and_the_page_across_the_windows_end(stack: Stack) -> None:
    expected = stack.asked_directly({"query": MATCH})
    for start in (10, 25):
        assert_order(stack.engine.search({"query": MATCH, "from": start}), expected[start : start + 10])


def test_each_search_of_an_msearch(stack: Stack) -> None:
    expected = stack.asked_directly({"query": MATCH})
    first, second = stack.engine.msearch([{"query": MATCH}, {"query": MATCH, "from": 10, "_source": False}])
    assert_order(first, expected[:10])
    assert_order(second, expected[10:20])


@pytest.mark.parametrize(
    "more",
    [
        {"aggs": {"topics": {"terms": {"field": "topic"}}}},
        {"highlight": {"fields": {"body": {}}}},
        {"_source": False},
        {"track_total_hits": False},
        {"collapse": {"field": "topic"}},
    ],
    ids=["aggregations", "highlight", "_source false", "track_total_hits false", "collapse"],
)
def test_the_rest_is_untouched(stack: Stack, more: Json) -> None:
    body = {"query": MATCH, **more}
    expected = stack.asked_directly(body)
    response = stack.engine.search(body)
    assert_order(response, expected[:10])
    plain = stack.engine.plain({**body, "size": 100})
    whole = {hit["_id"]: hit | {"_score": None} for hit in plain["hits"]["hits"]}
    assert all(hit | {"_score": None} == whole[hit["_id"]] for hit in response["hits"]["hits"])
    assert response.get("aggregations") == plain.get("aggregations")
    assert response["hits"].get("total") == plain["hits"].get("total")


def test_both_opinions_fused(stack: Stack) -> None:
    fusion = {"method": "linear", "weight": 0.5}
    expected = stack.asked_directly({"query": MATCH}, fusion=fusion)
    assert_order(stack.engine.search({"query": MATCH}, search_pipeline="fused"), expected[:10])


def test_a_text_that_the_sidecar_fetches_gives_the_order_of_a_text_that_is_sent(stack: Stack) -> None:
    expected = stack.asked_directly({"query": MATCH})
    body = {"query": MATCH, "_source": ["number"]}
    response = stack.engine.search(body, search_pipeline="by-id")
    assert_order(response, expected[:10])
    assert all(hit["_source"].keys() == {"number"} for hit in response["hits"]["hits"])


def test_blanks_of_a_query_or_a_document_are_never_too_many_for_the_sidecar(stack: Stack) -> None:
    query = f"a{' ' * 10_000}富士山"
    document = {"id": "1", "title": "富士山", "body": f"高さ{' ' * 2_000_000}3776 m"}
    stack.engine.bulk("blanks", [document])
    body = {"query": {"match_all": {}}, "ext": {"jrerank": {"query": query}}}
    responses = [
        stack.engine.search(body, index, search_pipeline="rerank") for index in ["docs"] * 6 + ["blanks"]
    ]
    assert [marker(response)["outcome"] for response in responses] == ["complete"] * 7
    refused = stack.sidecar.post("/v1/hits", json={"query": query, "hits": [{"id": "1", "text": "a"}]})
    assert refused.status_code == 413, "which this is a test against"


def test_too_little_time_scores_the_head_or_nothing_and_says_so(stack: Stack) -> None:
    plain = stack.engine.plain({"query": MATCH, "size": WINDOW})
    query = {"multi_match": {**MATCH["multi_match"], "query": f"{QUERY} 誰"}}  # not in the cache
    body = {"query": query, "size": WINDOW, "ext": {"jrerank": {"timeout_ms": 5}}}
    response = stack.engine.search(body)
    assert marker(response)["outcome"] in {"partial", "passthrough"}
    assert marker(response)["reason"] in {"deadline", "timeout", "status_429"}
    assert len(ids(response)) == len(ids(plain))
