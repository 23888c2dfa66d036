"""What a search pipeline says about itself."""

from __future__ import annotations

import pytest

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.opensearch import plugin_route, stock_route
from jrerank.admin.opensearch.pipelines import (
    fusion_of,
    passage_fields,
    pipelines_by_model,
    processor,
    route_of,
)
from jrerank.admin.opensearch.plugin_route import PluginRoute
from jrerank.admin.opensearch.stock_route import StockRoute
from jrerank.errors import InvalidInput
from recordings.server import RecordedServer

PLUGIN = plugin_route.pipeline_body(PluginRoute("p", ("title", "text")), "main")
STOCK = stock_route.pipeline_body(StockRoute("p", ("text",), "http://a"), "m1")


def test_both_routes_are_known_by_their_processors() -> None:
    assert route_of("p", PLUGIN) == "plugin"
    assert route_of("p", STOCK) == "stock"


@pytest.mark.parametrize(
    "other", [{}, {"response_processors": [{"rerank": {"by_field": {"target_field": "x"}}}]}]
)
def test_others_are_not_ours(other: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="p has neither"):
        route_of("p", other)


def test_pipelines_are_known_by_the_models_that_they_use() -> None:
    with RecordedServer(
        [("GET /_search/pipeline", lambda asked: {"a": STOCK, "b": STOCK, "c": PLUGIN})]
    ) as server:
        assert pipelines_by_model(LiveCluster(Connection("X", server.url))) == {"m1": ["a", "b"]}


def test_the_fields_that_it_reads() -> None:
    assert passage_fields(PLUGIN) == ["title", "text"]
    assert passage_fields(STOCK) == ["text"]
    assert passage_fields({"response_processors": [{"jrerank": {"passage_fields": ["a"]}}]}) == ["a"]
    assert passage_fields({"response_processors": [{"jrerank": {"store": "s"}}]}) == []


@pytest.mark.parametrize("asked", ["linear:0.6", "rrf:60"])
def test_its_fusion_is_told_as_setup_takes_it(asked: str) -> None:
    route = PluginRoute("p", ("text",), fusion=plugin_route.read_fusion(asked))
    assert fusion_of(plugin_route.pipeline_body(route, "main")) == f"fusion {asked}"


def test_a_pipeline_may_have_no_fusion_or_leave_its_number_to_the_plugin() -> None:
    assert fusion_of(PLUGIN) == "no fusion, the model's order alone"
    rrf = {"response_processors": [{"jrerank": {"fusion": {"method": "rrf"}}}]}
    assert fusion_of(rrf) == "fusion rrf"


def test_processors_of_either_side() -> None:
    assert processor(PLUGIN, "jrerank_window") == {
        "window": 100,
        "timeout_ms": 500,
        "passage_fields": ["title", "text"],
    }
    assert processor(STOCK, "truncate_hits") == {}
    assert processor(STOCK, "sort") is None
