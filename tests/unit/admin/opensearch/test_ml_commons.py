"""Connectors and models are found by exactly their names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.opensearch.ml_commons import connectors, deploy, models_named, undeploy
from jrerank.errors import Unavailable
from recordings.ml_commons import MlCommons


@pytest.fixture
def server() -> Iterator[MlCommons]:
    with MlCommons() as running:
        yield running


@pytest.fixture
def cluster(server: MlCommons) -> LiveCluster:
    return LiveCluster(Connection("JRERANK_OPENSEARCH", server.url))


def model(name: str, state: str = "REGISTERED") -> dict[str, object]:
    return {"name": name, "connector_id": "c1", "model_state": state}


def test_a_cluster_without_any_has_no_index_of_them(cluster: LiveCluster) -> None:
    assert connectors(cluster) == {}
    assert models_named(cluster, "jrerank-a") == {}


def test_names_that_begin_alike_are_others(server: MlCommons, cluster: LiveCluster) -> None:
    server.models = {"m1": model("jrerank-a"), "m2": model("jrerank-a-b"), "m3": model("my jrerank-a")}
    assert list(models_named(cluster, "jrerank-a")) == ["m1"]


def test_deploying_takes_its_time(server: MlCommons, cluster: LiveCluster) -> None:
    server.models = {"m1": model("jrerank-a")}
    server.connectors = {"c1": {}}
    deploy(cluster, "m1", timeout_s=10)
    assert server.models["m1"]["model_state"] == "DEPLOYED"
    undeploy(cluster, "m1", timeout_s=10)
    assert server.models["m1"]["model_state"] == "UNDEPLOYED"


def test_what_takes_too_long_is_said(server: MlCommons, cluster: LiveCluster) -> None:
    server.models = {"m1": model("jrerank-a")}
    server.connectors = {"c1": {}}
    server.polls_until_deployed = 10_000
    with pytest.raises(Unavailable, match="model_state is still DEPLOYING"):
        deploy(cluster, "m1", timeout_s=0.3)
