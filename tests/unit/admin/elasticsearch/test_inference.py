"""The bodies of inference endpoints and of the search that uses them, and what becomes of an endpoint that is there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.elasticsearch.inference import (
    InferenceEndpoint,
    check_ours,
    checked_service,
    endpoint_body,
    retriever_body,
    set_up_inference,
)
from jrerank.errors import ConfigurationError, InvalidInput
from recordings.inference import InferenceServer
from recordings.server import Asked, engine_error

COHERE = {"service": "cohere", "service_settings": {"model_id": "rerank-v3.5", "api_key": "theirs"}}


def test_hugging_face_insists_on_a_key() -> None:
    body = endpoint_body(InferenceEndpoint("a", "hugging_face", "http://s:8080"))
    assert body == {
        "service": "hugging_face",
        "service_settings": {"url": "http://s:8080/rerank", "api_key": "none"},
    }


def test_custom_has_a_deadline_and_leaves_out_what_the_retriever_does_not_fill() -> None:
    body = endpoint_body(InferenceEndpoint("a", "custom", "http://s:8080", "hidden", 250))["service_settings"]
    assert body["secret_parameters"] == {"api_key": "hidden"}
    assert body["headers"]["Authorization"] == "Bearer ${api_key}"
    filled = body["request"].replace("${query}", '"山"').replace("${input}", '["a"]')
    expected = {"query": "山", "documents": ["a"], "return_documents": False, "timeout_ms": 250}
    assert json.loads(filled) == expected


def test_custom_without_a_key() -> None:
    body = endpoint_body(InferenceEndpoint("a", "custom", "http://s:8080"))["service_settings"]
    assert "secret_parameters" not in body
    assert "Authorization" not in body["headers"]


def test_a_search_keeps_its_order_where_the_sidecar_fails() -> None:
    reranker = retriever_body("a", "body", "山", 50)["retriever"]["text_similarity_reranker"]
    assert (reranker["allow_rerank_failures"], reranker["rank_window_size"]) == (True, 50)


def test_other_services_are_refused() -> None:
    with pytest.raises(InvalidInput, match="hugging_face and custom"):
        checked_service("cohere")


class Endpoints(InferenceServer):
    """Scores any passages, without a sidecar, if the endpoint calls the address that `scores` has."""

    scores = "http://s:8080/v1/rerank"

    def ranked(self, name: str, query: str, documents: list[str]) -> list[dict[str, Any]]:
        if self._there(name)["service_settings"]["url"] != self.scores:
            raise engine_error(500, "nobody there")
        return [{"index": place, "relevance_score": 0.5} for place in range(len(documents))]


def set_up(server: InferenceServer, url: str, force: bool = False) -> list[str]:
    told: list[str] = []
    cluster = LiveCluster(Connection("JRERANK_ELASTICSEARCH", server.url))
    set_up_inference(cluster, InferenceEndpoint("a", "custom", url), force, told.append)
    return told


def test_an_endpoint_of_another_service_stays_unless_its_replacement_is_asked_for() -> None:
    with Endpoints() as server:
        server.endpoints = {"a": COHERE}
        with pytest.raises(InvalidInput, match=r"not made by setup \(cohere\).*--replace"):
            set_up(server, "http://s:8080")
        assert (server.writes(), server.endpoints) == ([], {"a": COHERE})
        assert set_up(server, "http://s:8080", force=True)[0] == "endpoint  a replaced: custom"
        assert server.endpoints["a"]["service"] == "custom"


@pytest.mark.parametrize(
    ("service", "url", "is_ours"),
    [
        ("custom", "http://s:8080/v1/rerank", True),
        ("hugging_face", "http://s:8080/rerank", True),
        ("hugging_face", "https://hub.example/models/a", False),
        ("cohere", "http://s:8080/v1/rerank", False),
    ],
)
def test_service_and_path_tell_whose_endpoint_it_is(service: str, url: str, is_ours: bool) -> None:
    found = {"service": service, "service_settings": {"url": url}}
    if is_ours:
        check_ours("a", found, "--force")
    else:
        with pytest.raises(InvalidInput, match="--force"):
            check_ours("a", found, "--force")


def test_an_endpoint_stays_where_the_one_to_replace_it_cannot_score() -> None:
    with Endpoints() as server:
        set_up(server, "http://s:8080")
        before = dict(server.endpoints)
        with pytest.raises(ConfigurationError, match=r"a stays as it was.*nobody there"):
            set_up(server, "http://gone:8080")
        assert server.endpoints == before


def test_an_endpoint_stays_where_the_cluster_refuses_the_new_one() -> None:
    def no_puts(asked: Asked) -> None:
        if asked.method == "PUT":
            raise engine_error(403, "not allowed")

    with Endpoints() as server:
        set_up(server, "http://s:8080")
        before = dict(server.endpoints)
        server.admits = no_puts
        with pytest.raises(ConfigurationError, match=r"a stays as it was.*403"):
            set_up(server, "http://other:8080")
        assert server.endpoints == before


def test_a_trial_that_was_cut_off_is_cleared_away() -> None:
    with Endpoints() as server:
        set_up(server, "http://s:8080")
        server.endpoints["a-jrerank-trial"] = server.endpoints["a"]
        set_up(server, "http://s:8080", force=True)
        assert list(server.endpoints) == ["a"]
