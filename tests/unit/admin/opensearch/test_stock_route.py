"""The bodies of the stock route, and how another model takes the place of one that searches use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.opensearch.ml_commons import address_of
from jrerank.admin.opensearch.stock_route import StockRoute, connector_body, pipeline_body, set_up_stock
from jrerank.admin.opensearch.trust import PRIVATE_IP, TRUSTED, trusted_pattern
from jrerank.errors import ConfigurationError
from recordings.ml_commons import MlCommons
from recordings.server import engine_error

ROUTE = StockRoute("rerank", ("title", "text"), "http://10.0.0.7:8080", "hidden")


def test_the_pipeline_oversamples_reranks_and_cuts_and_never_fails_a_search() -> None:
    body = pipeline_body(ROUTE, "m1")
    assert body["request_processors"] == [{"oversample": {"sample_factor": 10.0}}]
    assert body["response_processors"] == [
        {"rerank": {
            "ml_opensearch": {"model_id": "m1"}, "context": {"document_fields": ["title", "text"]}, "ignore_failure": True,
        }},
        {"truncate_hits": {}},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("timeout_ms", "read_timeout_s"), [(1, 1), (500, 1), (501, 2), (1000, 2), (10_000, 11)]
)
def test_the_sidecar_gives_up_before_ml_commons_does(timeout_ms: int, read_timeout_s: int) -> None:
    body = connector_body(StockRoute("p", ("a",), "http://a", timeout_ms=timeout_ms))
    assert body["client_config"]["read_timeout"] == read_timeout_s
    assert f'"timeout_ms": {timeout_ms} ' in body["actions"][0]["request_body"]


def test_the_sidecar_sends_no_documents_back() -> None:
    assert '"return_documents": false' in connector_body(ROUTE)["actions"][0]["request_body"]


def test_the_key_is_a_credential_and_nowhere_else() -> None:
    body = connector_body(ROUTE)
    assert body.pop("credential") == {"key": "hidden"}
    assert body["actions"][0]["headers"]["Authorization"] == "Bearer ${credential.key}"
    assert "hidden" not in str(body)
    assert "hidden" not in repr(ROUTE)


def test_no_key_no_header() -> None:
    body = connector_body(StockRoute("p", ("a",), "http://a"))
    assert "credential" not in body
    assert list(body["actions"][0]["headers"]) == ["content-type"]


def test_a_connector_knows_its_sidecar() -> None:
    assert address_of(connector_body(ROUTE)) == "http://10.0.0.7:8080"
    assert address_of({"parameters": None}) == ""


class Scoring(MlCommons):
    """Scores any passages, without a sidecar, if the model is deployed and its address is not `gone`."""

    gone = "http://gone:8080"

    def scores(self, model_id: str, query: str, documents: list[str]) -> list[float]:
        deployed = self.deployed.get(model_id)
        if deployed is None or deployed["private"] != "true" or address_of(deployed) == self.gone:
            raise engine_error(500, "nobody there")
        return [1.0 / (place + 1) for place in range(len(documents))]

    def model_in_use(self) -> str:
        reranker = self.pipelines["rerank"]["response_processors"][0]["rerank"]
        return str(reranker["ml_opensearch"]["model_id"])


class TestSetUp:
    route = replace(ROUTE, private=True)
    moved = replace(route, sidecar_url="http://10.0.0.8:8080")

    @pytest.fixture
    def server(self) -> Iterator[Scoring]:
        with Scoring() as running:
            yield running

    @staticmethod
    def run(server: MlCommons, route: StockRoute) -> list[str]:
        told: list[str] = []
        set_up_stock(LiveCluster(Connection("JRERANK_OPENSEARCH", server.url)), route, told.append)
        return told

    def test_what_searches_use_is_as_it_was_where_the_other_cannot_score(self, server: Scoring) -> None:
        self.run(server, self.route)
        deployed, pipelines = dict(server.deployed), dict(server.pipelines)
        with pytest.raises(ConfigurationError, match=r"no search was changed.*nobody there"):
            self.run(server, replace(self.route, sidecar_url=server.gone))
        assert (server.deployed, server.pipelines) == (deployed, pipelines)
        assert list(server.models) == ["m1"], "failed runs leave no models"

    def test_the_other_is_proven_before_the_pipeline_names_it_and_the_old_one_goes(
        self, server: Scoring
    ) -> None:
        self.run(server, self.route)
        server.seen.clear()
        self.run(server, self.moved)
        assert (list(server.connectors), list(server.models), server.model_in_use()) == (["c2"], ["m2"], "m2")
        asked = [f"{one.method} {one.path}" for one in server.seen]
        order = [
            "POST /_plugins/_ml/_predict/text_similarity/m2", "PUT /_search/pipeline/rerank",
            "POST /_plugins/_ml/models/m1/_undeploy",
        ]  # fmt: skip
        assert [one for one in asked if one in order] == order

    def test_the_old_address_is_trusted_no_more(self, server: Scoring) -> None:
        self.run(server, self.route)
        self.run(server, self.moved)
        trusted = server.settings["persistent"][TRUSTED]
        assert trusted_pattern(self.moved.sidecar_url) in trusted
        assert trusted_pattern(self.route.sidecar_url) not in trusted

    def test_an_old_address_that_another_pipeline_needs_stays_trusted(self, server: Scoring) -> None:
        self.run(server, self.route)
        self.run(server, replace(self.route, pipeline="other"))
        self.run(server, self.moved)
        assert trusted_pattern(self.route.sidecar_url) in server.settings["persistent"][TRUSTED]

    def test_a_new_key_at_the_same_address_leaves_it_trusted(self, server: Scoring) -> None:
        self.run(server, self.route)
        self.run(server, replace(self.route, sidecar_key="another"))
        assert list(server.connectors) == ["c2"]
        assert trusted_pattern(self.route.sidecar_url) in server.settings["persistent"][TRUSTED]

    def test_a_model_that_a_pipeline_made_by_hand_uses_stays(self, server: Scoring) -> None:
        self.run(server, self.route)
        server.pipelines["by-hand"] = server.pipelines["rerank"]
        assert "model     m1 stays: by-hand uses it" in self.run(server, self.moved)
        assert (set(server.models), set(server.connectors)) == ({"m1", "m2"}, {"c1", "c2"})
        assert trusted_pattern(self.route.sidecar_url) in server.settings["persistent"][TRUSTED]

    def test_a_model_that_was_deployed_before_the_settings_allowed_it_is_replaced(
        self, server: Scoring
    ) -> None:
        self.run(server, self.route)
        server.deployed["m1"]["private"] = "false"
        assert server.settings["persistent"][PRIVATE_IP] == "true", "a run that was cut off has set it"
        self.run(server, self.route)
        assert (server.model_in_use(), list(server.models)) == ("m2", ["m2"])

    def test_a_model_that_is_not_deployed_serves_nobody_and_is_deployed_anew(self, server: Scoring) -> None:
        self.run(server, self.route)
        server.models["m1"]["model_state"] = "UNDEPLOYED"
        server.deployed.clear()
        assert "model     m1 deployed anew" in self.run(server, self.route)
        assert list(server.models) == ["m1"]
