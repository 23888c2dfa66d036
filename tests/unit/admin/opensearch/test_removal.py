"""What is taken away, and what is left alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.opensearch import plugin_route
from jrerank.admin.opensearch.plugin_route import PluginRoute
from jrerank.admin.opensearch.removal import remove
from jrerank.admin.opensearch.trust import TRUSTED, trusted_pattern
from jrerank.errors import InvalidInput, Refused
from recordings.ml_commons import MlCommons
from recordings.server import Asked, RecordedServer, engine_error

PIPELINE = plugin_route.pipeline_body(PluginRoute("p", ("text",)), "main")


@pytest.fixture
def server() -> Iterator[MlCommons]:
    with MlCommons() as running:
        yield running


def run(server: RecordedServer, force: bool = False, with_settings: bool = True) -> list[str]:
    told: list[str] = []
    remove(LiveCluster(Connection("JRERANK_OPENSEARCH", server.url)), "p", force, with_settings, told.append)
    return told


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


def test_the_operators_entry_in_the_cluster_settings_stays_on_request(server: MlCommons) -> None:
    server.connectors = {"c1": {"name": "jrerank-p", "parameters": {"endpoint": "http://a/v1/rerank"}}}
    server.settings["persistent"][TRUSTED] = [trusted_pattern("http://a")]
    run(server, with_settings=False)
    assert (server.connectors, server.settings["persistent"][TRUSTED]) == ({}, [trusted_pattern("http://a")])


def test_nothing_there_is_said(server: MlCommons) -> None:
    assert run(server) == ["nothing   is there of p"]


@pytest.mark.parametrize("force", [False, True])
def test_pipelines_that_do_not_rerank_stay(server: MlCommons, force: bool) -> None:
    server.pipelines = {"p": {"request_processors": [{"filter_query": {}}]}}
    with pytest.raises(InvalidInput):
        run(server, force)
    assert list(server.pipelines) == ["p"]


@pytest.mark.parametrize(
    "processor", [{"jrerank": {}}, {"rerank": {"ml_opensearch": {"model_id": "theirs"}}}]
)
def test_a_pipeline_made_by_hand_and_its_defaults_stay_without_force(
    server: MlCommons, processor: dict[str, object]
) -> None:
    server.pipelines = {"p": {"description": "search team: Cohere", "response_processors": [processor]}}
    server.defaults = {"a": "p"}
    with pytest.raises(InvalidInput, match=r"not made by setup.*--force"):
        run(server)
    assert (list(server.pipelines), server.defaults) == (["p"], {"a": "p"})
    run(server, force=True)
    assert (server.pipelines, server.defaults) == ({}, {})


def test_a_cluster_without_ml_commons() -> None:
    pipelines = {"p": PIPELINE}
    routes = [
        ("GET /_search/pipeline/p", lambda asked: pipelines),
        ("GET /_all/_settings/.*", lambda asked: {}),
        ("DELETE /_search/pipeline/p", lambda asked: pipelines.pop("p")),
    ]
    with RecordedServer(routes) as server:
        assert run(server) == ["pipeline  p removed"]


@pytest.mark.parametrize("status", [403, 429, 500])
def test_models_that_may_not_be_looked_for_are_not_taken_for_none(server: MlCommons, status: int) -> None:
    def admits(asked: Asked) -> None:
        if asked.path.startswith("/_plugins/_ml"):
            raise engine_error(status, "no")

    server.admits = admits
    with pytest.raises(Refused, match="whether models or connectors of p are left is unknown") as caught:
        run(server)
    assert caught.value.status == status
