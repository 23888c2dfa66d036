"""What is read of an engine's answer."""

from __future__ import annotations

import httpx
import pytest

from jrerank.bench.quality.live.opensearch import TemplateSearch
from jrerank.bench.quality.live.template import BodyTemplate
from jrerank.domain import Candidate

HITS = {"hits": {"hits": [{"_id": "a", "_score": 1.5, "_source": {"body": "山"}}]}}


@pytest.mark.parametrize(
    ("ext", "outcome"),
    [
        ({}, "complete"),
        ({"ext": {"jrerank": {"outcome": "passthrough", "reason": "unreachable"}}}, "passthrough"),
        ({"ext": {"jrerank": {"outcome": "partial", "reranked": 1}}}, "partial"),
        ({"ext": {"other": {}}}, "complete"),
    ],
)
def test_hits_come_with_what_the_reranker_says_of_itself(ext: dict[str, object], outcome: str) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={**HITS, **ext}))
    with httpx.Client(transport=transport, base_url="http://localhost") as client:
        search = TemplateSearch(client, "/docs/_search", BodyTemplate({"q": "{{query}}"}), ["body"], {})
        answer = search("高さ", 5)
    assert answer.hits == (Candidate("a", "山", 1.5),)
    assert answer.outcome == outcome
    assert answer.seconds > 0
