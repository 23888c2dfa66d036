"""What nothing needs any more goes; where the settings are not ours to change, what is left to do is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.opensearch.leftovers import Leftovers, remove_leftovers
from jrerank.admin.opensearch.trust import TRUSTED, trusted_pattern
from jrerank.errors import Refused
from recordings.ml_commons import MlCommons
from recordings.server import Asked, engine_error

PATTERN = trusted_pattern("http://a:8080")


def connector(url: str) -> dict[str, Any]:
    return {"name": "jrerank-p", "parameters": {"endpoint": f"{url}/v1/rerank"}}


@pytest.fixture
def server() -> Iterator[MlCommons]:
    with MlCommons() as running:
        running.connectors = {"c1": connector("http://a:8080"), "c2": connector("http://b:8080")}
        running.models = {"m1": {"name": "jrerank-p", "connector_id": "c1", "model_state": "DEPLOYED"}}
        running.settings["persistent"][TRUSTED] = [PATTERN, trusted_pattern("http://b:8080")]
        yield running


def run(server: MlCommons, with_settings: bool = True) -> list[str]:
    told: list[str] = []
    leftovers = Leftovers(dict(server.models), {"c1": server.connectors["c1"]})
    cluster = LiveCluster(Connection("JRERANK_OPENSEARCH", server.url))
    remove_leftovers(cluster, leftovers, with_settings, 10.0, told.append)
    return told


def refuse_settings(status: int, method: str) -> Any:
    def admits(asked: Asked) -> None:
        if asked.path == "/_cluster/settings" and asked.method == method:
            raise engine_error(status, "not yours")

    return admits


def test_model_connector_and_trust_go(server: MlCommons) -> None:
    run(server)
    assert (server.models, list(server.connectors)) == ({}, ["c2"])
    assert server.settings["persistent"][TRUSTED] == [trusted_pattern("http://b:8080")]


def test_an_address_that_another_connector_calls_stays_trusted(server: MlCommons) -> None:
    server.connectors["c2"] = connector("http://a:8080")
    run(server)
    assert PATTERN in server.settings["persistent"][TRUSTED]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_settings_that_are_forbidden_are_left_to_the_operator_and_all_else_goes(
    server: MlCommons, method: str
) -> None:
    server.admits = refuse_settings(403, method)
    told = run(server)
    assert any(
        re.search(rf"let the operator take {re.escape(PATTERN)} out of {TRUSTED}", line) for line in told
    )
    assert (server.models, list(server.connectors)) == ({}, ["c2"])


def test_settings_that_are_the_operators_are_not_touched(server: MlCommons) -> None:
    assert any("let the operator take" in line for line in run(server, with_settings=False))
    assert "PUT /_cluster/settings" not in server.writes()
    assert list(server.connectors) == ["c2"]


def test_a_cluster_that_fails_ends_it_while_the_connector_still_knows_the_address(server: MlCommons) -> None:
    server.admits = refuse_settings(503, "PUT")
    with pytest.raises(Refused):
        run(server)
    assert "c1" in server.connectors
