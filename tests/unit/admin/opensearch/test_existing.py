"""What is there already is not spoilt: pipelines made by hand, and indexes without the passage fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jrerank.admin.cluster.cluster import LiveCluster
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.opensearch.existing import (
    DESCRIPTIONS,
    check_fields,
    check_made_by_setup,
    fields_in_use,
    problems_of_fields,
)
from jrerank.errors import InvalidInput
from recordings.server import Asked, RecordedServer, engine_error

WINDOW = {"jrerank_window": {"passage_fields": ["title", "body"]}}
PIPELINES: dict[str, Any] = {
    "ours": {
        "description": DESCRIPTIONS["plugin"],
        "request_processors": [WINDOW],
        "response_processors": [],
    },
    "by-hand": {"request_processors": [WINDOW], "response_processors": [{"jrerank": {"endpoint": "main"}}]},
    "store": {"request_processors": [WINDOW], "response_processors": [{"jrerank": {"store": "docs"}}]},
}
PROPERTIES = {
    "title": {"type": "text"},
    "body": {"type": "text"},
    "meta": {"properties": {"author": {"type": "keyword"}}},
    "parts": {"type": "nested", "properties": {"text": {"type": "text"}}},
}


def _pipeline(asked: Asked) -> dict[str, Any]:
    name = asked.path.rsplit("/", 1)[1]
    if name not in PIPELINES:
        raise engine_error(404, "no such pipeline")
    return {name: PIPELINES[name]}


@pytest.fixture(scope="module")
def cluster() -> Iterator[LiveCluster]:
    routes: list[tuple[str, Callable[[Asked], Any]]] = [
        ("GET /_search/pipeline/.*", _pipeline),
        ("GET /docs/_mapping", lambda asked: {"docs-1": {"mappings": {"properties": PROPERTIES}}}),
    ]
    with RecordedServer(routes) as server:
        yield LiveCluster(Connection("JRERANK_OPENSEARCH", server.url))


def test_a_pipeline_made_by_hand_is_not_replaced(cluster: LiveCluster) -> None:
    with pytest.raises(
        InvalidInput, match=r"the search pipeline by-hand was not made by setup: .*then --force"
    ):
        check_made_by_setup(cluster, "by-hand", "--force")
    check_made_by_setup(cluster, "ours", "--force")
    check_made_by_setup(cluster, "nothing", "--force")


def test_the_fields_of_a_pipeline_stay_unless_others_are_named(cluster: LiveCluster) -> None:
    assert fields_in_use(cluster, "ours") == ("title", "body")
    assert fields_in_use(cluster, "store") == ()
    assert fields_in_use(cluster, "nothing") == ()


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("text", "docs-1 has no field text (texts: body, parts.text, title)"),
        ("meta", "meta is an object in docs-1, not a text (texts: body, parts.text, title)"),
        ("parts", "parts is an object in docs-1, not a text (texts: body, parts.text, title)"),
    ],
)
def test_a_field_that_is_no_text(cluster: LiveCluster, field: str, problem: str) -> None:
    assert list(problems_of_fields(cluster, "docs", ["title", field])) == [problem]
    with pytest.raises(InvalidInput, match="name others by --field"):
        check_fields(cluster, ["docs"], [field])


def test_fields_that_will_do(cluster: LiveCluster) -> None:
    check_fields(cluster, ["docs"], ["title", "parts.text", "meta.author"])
