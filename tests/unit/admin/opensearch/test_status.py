"""One line for each thing that reranking depends on; what is wrong is said where it is wrong."""

from __future__ import annotations

from typing import Any

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.opensearch import plugin_route, stock_route
from jrerank.admin.opensearch.plugin_route import PluginRoute
from jrerank.admin.opensearch.status import findings
from jrerank.admin.opensearch.stock_route import StockRoute
from recordings.ml_commons import MlCommons
from recordings.server import Asked, RecordedServer, engine_error

STOCK = stock_route.pipeline_body(StockRoute("p", ("text",), "http://a"), "m1")


def forbid(asked: Asked) -> None:
    raise engine_error(403, "no permissions for [indices:monitor/settings/get]")


def run(server: RecordedServer) -> dict[str, tuple[bool | None, str]]:
    cluster = LiveCluster(Connection("JRERANK_OPENSEARCH", server.url))
    return {one.name: (one.ok, one.text) for one in findings(cluster, "p", None, None)}


def plugin_cluster(
    plugins: list[str], endpoints: dict[str, Any], stats: dict[str, Any] | None = None
) -> RecordedServer:
    pipeline = plugin_route.pipeline_body(PluginRoute("p", ("text",)), "main")
    nodes = {"n": {"name": "n1", "plugins": [{"name": name} for name in plugins]}}
    return RecordedServer(
        [
            ("GET /", lambda asked: {"version": {"number": "3.8.0", "distribution": "opensearch"}}),
            ("GET /_cluster/health", lambda asked: {"status": "yellow"}),
            ("GET /_search/pipeline/p", lambda asked: {"p": pipeline}),
            ("GET /_nodes/plugins", lambda asked: {"nodes": nodes}),
            (
                "GET /_plugins/_jrerank/stats",
                lambda asked: stats or {"nodes": {"n": {"name": "n1", "endpoints": endpoints}}},
            ),
            ("GET /_all/_settings/.*", lambda asked: {}),
        ]
    )


def test_an_open_circuit_is_wrong() -> None:
    sidecar = {"url": "http://a", "circuit": "open", "failures_in_a_row": 7}
    with plugin_cluster(["jrerank"], {"main": [sidecar]}) as server:
        found = run(server)
    assert found["cluster"] == (True, "opensearch 3.8.0, yellow")
    assert found["pipeline"] == (True, "p: plugin route, reads text; no fusion, the model's order alone")
    assert found["plugin"] == (True, "on all 1 nodes")
    assert found["endpoint"] == (False, "main at http://a: circuit open, 7 failures in a row, as n1 has it")
    assert found["probe"][0] is None


def test_a_plugin_and_an_endpoint_that_are_missing() -> None:
    with plugin_cluster([], {}) as server:
        found = run(server)
    assert found["plugin"] == (False, "missing on n1")
    assert found["endpoint"] == (False, "main is not in the settings of n1")


def test_nodes_of_an_older_plugin_and_nodes_that_fail_are_told() -> None:
    older: dict[str, Any] = {"endpoints": {"main": []}, "searches": {}}
    with plugin_cluster(["jrerank"], {}, older) as server:
        is_good, text = run(server)["endpoint"]
    assert (is_good, "an older jrerank plugin" in text) == (False, True)
    failed: dict[str, Any] = {
        "_nodes": {"failed": 1, "failures": [{"node_id": "n"}, {"node_id": "gone"}]},
        "nodes": {},
    }
    with plugin_cluster(["jrerank"], {}, failed) as server:
        is_good, text = run(server)["endpoint"]
    assert (is_good, "from gone, n1: " in text) == (False, True)


def test_a_model_that_is_gone() -> None:
    with MlCommons() as server:
        server.pipelines = {"p": STOCK}
        assert run(server)["model"] == (False, "m1 is not there: run `jrerank-admin opensearch setup` again")


def test_a_model_that_is_not_deployed_and_an_address_that_is_not_allowed() -> None:
    with MlCommons() as server:
        server.pipelines = {"p": STOCK}
        server.connectors = {"c1": {"parameters": {"endpoint": "https://a.example/v1/rerank"}}}
        server.models = {"m1": {"name": "jrerank-p", "connector_id": "c1", "model_state": "UNDEPLOYED"}}
        found = run(server)
    assert found["connector"] == (True, "c1 calls https://a.example")
    assert found["settings"][0] is False
    assert found["model"] == (False, "m1 is UNDEPLOYED")
    assert found["predict"][0] is False


def test_nobody_there_ends_it() -> None:
    server = MlCommons()
    with server:
        pass
    cluster = LiveCluster(Connection("JRERANK_OPENSEARCH", server.url))
    assert [one.name for one in findings(cluster, "p", None, None)] == ["cluster"]


def test_defaults_that_may_not_be_seen_are_no_reason_to_end() -> None:
    with plugin_cluster(["jrerank"], {"main": []}) as server:
        server.routes[-1] = ("GET /_all/_settings/.*", forbid)
        found = run(server)
    assert found["default"][0] is None
    assert "indices:monitor/settings/get" in found["default"][1]
    assert "probe" in found
