"""What a pipeline says comes back by the names of the options that wrote it."""

from __future__ import annotations

from dataclasses import asdict, fields

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.cluster.request import Json
from jrerank.admin.opensearch import plugin_route, stock_route
from jrerank.admin.opensearch.in_use import settings_in_use
from jrerank.admin.opensearch.pipelines import Route
from jrerank.admin.opensearch.plugin_route import PluginRoute
from jrerank.admin.opensearch.stock_route import StockRoute
from recordings.ml_commons import MlCommons

PLUGIN = PluginRoute(
    "p",
    ("text",),
    endpoint="main",
    window=30,
    timeout_ms=250,
    store="docs",
    fusion={"method": "rrf", "rank_constant": 60},
    max_tokens_per_doc=512,
    hit_details=True,
    on_failure="error",
    query_text_path="query.match.text.query",
    passage_from="values",
    unread="cut",
    min_score=0.2,
)
STOCK = StockRoute("p", ("text",), "http://a:8080", oversample=3.0, timeout_ms=250)


def in_use(server: MlCommons, route: Route) -> Json:
    return settings_in_use(LiveCluster(Connection("JRERANK_OPENSEARCH", server.url)), "p", route)


def test_all_that_a_pipeline_of_the_plugin_can_say() -> None:
    said = {field.name for field in fields(PluginRoute)} - {"pipeline", "passage_fields"}
    with MlCommons() as server:
        server.pipelines = {"p": plugin_route.pipeline_body(PLUGIN, "main")}
        assert in_use(server, "plugin") == {name: asdict(PLUGIN)[name] for name in said}
        assert in_use(server, "stock") == {}


def test_what_the_pipeline_and_the_connector_of_the_stock_route_say() -> None:
    with MlCommons() as server:
        server.connectors = {"c1": stock_route.connector_body(STOCK)}
        server.models = {"m1": {"name": "jrerank-p", "connector_id": "c1", "model_state": "DEPLOYED"}}
        server.pipelines = {"p": stock_route.pipeline_body(STOCK, "m1")}
        assert in_use(server, "stock") == {
            "oversample": 3.0,
            "sidecar_url": "http://a:8080",
            "timeout_ms": 250,
        }
        server.models.clear()
        assert in_use(server, "stock") == {"oversample": 3.0}, "setup has to be told the rest"
        assert in_use(server, "plugin") == {}


def test_no_pipeline_says_nothing() -> None:
    with MlCommons() as server:
        assert in_use(server, "plugin") == in_use(server, "stock") == {}
