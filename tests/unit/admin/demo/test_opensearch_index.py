"""What is sent to OpenSearch and read from it; that it works there: tests/integration/opensearch/test_demo.py."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from jrerank.admin.demo.opensearch_index import PassageIndex, create_passage_index
from jrerank.errors import StoreError

FOUND = {
    "hits": {"hits": [{"_id": "b", "_score": 2.0}, {"_id": "a", "_score": 1.0}]},
    "ext": {"jrerank": {"outcome": "complete"}},
    "errors": False,
}


class Recorder:
    """Answers everything alike, and keeps what it was asked."""

    def __init__(self, status: int = 200, **answer: object) -> None:
        self.requests: list[httpx.Request] = []
        self._response = (status, {**FOUND, **answer})

    def client(self) -> httpx.Client:
        return httpx.Client(base_url="http://opensearch", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status, answer = self._response
        return httpx.Response(status, json=answer)


def test_a_passage_is_loaded_as_title_and_body() -> None:
    opensearch = Recorder()
    create_passage_index(opensearch.client(), {"1": "富士山\n高い\n山", "2": "x"}, 20, 0.6)
    (bulk,) = [request for request in opensearch.requests if request.url.path == "/passages/_bulk"]
    lines = [json.loads(line) for line in bulk.content.splitlines()]
    assert lines == [
        {"index": {"_id": "1"}},
        {"title": "富士山", "body": "高い\n山"},
        {"index": {"_id": "2"}},
        {"title": "x", "body": ""},
    ]


def test_many_passages_go_in_several_requests() -> None:
    opensearch = Recorder()
    create_passage_index(opensearch.client(), {str(i): "x" * 300_000 for i in range(9)}, 20, 0.6)
    sent = [request.content for request in opensearch.requests if request.url.path == "/passages/_bulk"]
    assert len(sent) == 3
    assert b"".join(sent).count(b"_id") == 9


@pytest.mark.parametrize(
    ("search", "pipeline"),
    [
        (PassageIndex.first_stage, "_none"),
        (PassageIndex.reranked, None),
        (PassageIndex.fused, "jrerank-fused"),
    ],
)
def test_each_search_goes_its_way(
    search: Callable[[PassageIndex, str], object], pipeline: str | None
) -> None:
    opensearch = Recorder()
    search(PassageIndex(opensearch.client(), 20), "富士山")
    (request,) = opensearch.requests
    assert request.url.params.get("search_pipeline") == pipeline
    assert json.loads(request.content)["size"] == 20


def test_ids_and_outcome_are_read() -> None:
    found = PassageIndex(Recorder().client(), 20).reranked("富士山")
    assert (found.ids, found.outcome) == (("b", "a"), "complete")
    assert PassageIndex(Recorder(ext={}).client(), 20).first_stage("富士山").outcome is None


def test_what_opensearch_refuses_is_told() -> None:
    with pytest.raises(StoreError, match="OpenSearch answered 400"):
        PassageIndex(Recorder(status=400).client(), 20).reranked("富士山")
    with pytest.raises(StoreError, match="refused some"):
        create_passage_index(Recorder(errors=True).client(), {"1": "x"}, 20, 0.6)
