"""The bodies of inference endpoints and of the search that uses them."""

from __future__ import annotations

import json

import pytest

from jrerank.admin.elasticsearch.inference import (
    InferenceEndpoint,
    checked_service,
    endpoint_body,
    retriever_body,
)
from jrerank.errors import InvalidInput


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
