"""The plugin's pipeline, and what has to be there before it is written."""

from __future__ import annotations

import pytest

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.opensearch.plugin_route import PluginRoute, pipeline_body, read_fusion, set_up_plugin
from jrerank.errors import ConfigurationError, InvalidInput
from recordings.server import RecordedServer


def test_what_is_not_asked_for_is_left_to_the_plugin() -> None:
    assert pipeline_body(PluginRoute("p", ("text",)), "main") == {
        "description": "reranks with jrerank, by the plugin",
        "request_processors": [
            {"jrerank_window": {"window": 100, "timeout_ms": 500, "passage_fields": ["text"]}}
        ],
        "response_processors": [{"jrerank": {"endpoint": "main", "timeout_ms": 500, "on_failure": "keep"}}],
    }


def test_a_store_needs_no_passage_fields() -> None:
    body = pipeline_body(PluginRoute("p", (), store="docs"), "main")
    assert body["request_processors"] == [{"jrerank_window": {"window": 100, "timeout_ms": 500}}]
    assert body["response_processors"][0]["jrerank"]["store"] == "docs"


def test_what_is_read_of_a_hit_is_the_pipelines_to_say() -> None:
    body = pipeline_body(PluginRoute("p", ("text",), passage_from="values"), "main")
    assert body["response_processors"][0]["jrerank"]["passage_from"] == "values"


@pytest.mark.parametrize(
    ("text", "fusion"),
    [("linear:0.1", {"method": "linear", "weight": 0.1}), ("rrf:60", {"method": "rrf", "rank_constant": 60})],
)
def test_fusion_is_a_method_and_its_number(text: str, fusion: dict[str, object]) -> None:
    assert read_fusion(text) == fusion


def test_no_fusion_can_be_asked_for() -> None:
    assert read_fusion("none") is None


@pytest.mark.parametrize("text", ["", "linear", "linear:", "rrf:0.5", "mean:1", "linear:x"])
def test_other_fusions_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="linear:WEIGHT, rrf:RANK_CONSTANT or none"):
        read_fusion(text)


class TestSetUp:
    def run(
        self,
        nodes: dict[str, list[str]],
        endpoints: list[str],
        asked: str | None = None,
        bare: str | None = None,
    ) -> RecordedServer:
        plugins = {
            name: {"name": name, "plugins": [{"name": one} for one in names]} for name, names in nodes.items()
        }
        stats = {
            name: {"name": name, "endpoints": {key: [] for key in ([] if name == bare else endpoints)}}
            for name in nodes
        }
        routes = [
            ("GET /_nodes/plugins", lambda asked: {"nodes": plugins}),
            ("GET /_plugins/_jrerank/stats", lambda asked: {"nodes": stats}),
            ("PUT /_search/pipeline/p", lambda asked: {"acknowledged": True}),
        ]
        with RecordedServer(routes) as server:
            cluster = LiveCluster(Connection("JRERANK_OPENSEARCH", server.url))
            set_up_plugin(cluster, PluginRoute("p", ("text",), asked), print)
        return server

    def test_the_only_endpoint_is_taken(self) -> None:
        server = self.run({"n1": ["jrerank"]}, ["tokyo"])
        assert server.seen[-1].body["response_processors"][0]["jrerank"]["endpoint"] == "tokyo"

    def test_one_of_several_is_to_be_named(self) -> None:
        with pytest.raises(InvalidInput, match="osaka, tokyo"):
            self.run({"n1": ["jrerank"]}, ["tokyo", "osaka"])
        self.run({"n1": ["jrerank"]}, ["tokyo", "osaka"], "osaka")

    def test_every_node_needs_the_plugin(self) -> None:
        with pytest.raises(ConfigurationError, match="no jrerank plugin on n2, n3: "):
            self.run({"n1": ["jrerank"], "n2": [], "n3": ["analysis-kuromoji"]}, ["main"])

    def test_every_node_needs_the_endpoint(self) -> None:
        nodes = {"n1": ["jrerank"], "n2": ["jrerank"]}
        with pytest.raises(
            ConfigurationError, match=r"the settings of n2 lack jrerank\.endpoint\.main\.urls"
        ):
            self.run(nodes, ["main"], bare="n2")

    def test_the_settings_need_an_endpoint(self) -> None:
        with pytest.raises(ConfigurationError, match=r"jrerank\.endpoint\.main\.urls"):
            self.run({"n1": ["jrerank"]}, [])
