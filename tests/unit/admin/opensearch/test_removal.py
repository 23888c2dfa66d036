"""What is taken away, and what is left alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.opensearch import plugin_route
from jrerank.admin.opensearch.plugin_route import PluginRoute
from jrerank.admin.opensearch.removal import remove
from jrerank.errors import InvalidInput
from recordings.ml_commons import MlCommons
from recordings.server import RecordedServer

PIPELINE = plugin_route.pipeline_body(PluginRoute("p", ("text",)), "main")


@pytest.fixture
def server() -> Iterator[MlCommons]:
    with MlCommons() as running:
        yield running


def run(server: RecordedServer, pipeline: str = "p") -> list[str]:
    said: list[str] = []
    remove(LiveCluster(Connection("JRERANK_OPENSEARCH", server.url)), pipeline, said.append)
    return said


def test_defaults_go_before_the_pipeline(server: MlCommons) -> None:
    server.pipelines = {"p": PIPELINE, "other": PIPELINE}
    server.defaults = {"a": "p", "b": "other", "c": "p"}
    assert run(server) == [
        "default   a has none any more",
        "default   c has none any more",
        "pipeline  p removed",
    ]
    assert (list(server.pipelines), server.defaults) == (["other"], {"b": "other"})


def test_what_the_stock_route_had_made_goes_though_the_pipeline_now_takes_the_other(
    server: MlCommons,
) -> None:
    server.pipelines = {"p": PIPELINE}
    server.connectors = {"c1": {"name": "jrerank-p", "parameters": {"endpoint": "http://a/v1/rerank"}}}
    server.models = {"m1": {"name": "jrerank-p", "connector_id": "c1", "model_state": "DEPLOYED"}}
    run(server)
    assert not any((server.pipelines, server.connectors, server.models))


def test_nothing_there_is_said(server: MlCommons) -> None:
    assert run(server) == ["nothing   is there of p"]


def test_pipelines_of_others_stay(server: MlCommons) -> None:
    server.pipelines = {"p": {"request_processors": [{"filter_query": {}}]}}
    with pytest.raises(InvalidInput):
        run(server)
    assert list(server.pipelines) == ["p"]


def test_a_cluster_without_ml_commons() -> None:
    pipelines = {"p": PIPELINE}
    routes = [
        ("GET /_search/pipeline/p", lambda asked: pipelines),
        ("GET /_all/_settings/.*", lambda asked: {}),
        ("DELETE /_search/pipeline/p", lambda asked: pipelines.pop("p")),
    ]
    with RecordedServer(routes) as server:
        assert run(server) == ["pipeline  p removed"]
