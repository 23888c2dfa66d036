"""The bodies of the stock route."""

from __future__ import annotations

import pytest

from jrerank.admin.opensearch.stock_route import StockRoute, address_of, connector_body, pipeline_body

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
