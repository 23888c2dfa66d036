"""A store on a name that stands for several indexes: it is ready, and has their passages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.opensearch.search import Engine
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3
from jrerank.errors import StoreError
from jrerank.stores.opensearch.settings import OpenSearchSettings
from jrerank.stores.opensearch.store import OpenSearchStore

pytestmark = [
    pytest.mark.node,
    pytest.mark.parametrize("release", [OPENSEARCH_3], indirect=True, ids=["3.8.0"]),
]


@pytest.fixture(scope="module")
def named(loaded: Engine) -> Iterator[Engine]:
    for index, text in (("north", "札幌"), ("south", "那覇")):
        loaded.bulk(index, [{"id": index, "body": text}, {"id": "both", "body": text}])
    loaded.post("_aliases", {"actions": [{"add": {"indices": ["north", "south"], "alias": "cities"}}]})
    loaded.post("_aliases", {"actions": [{"add": {"indices": ["north"], "alias": "northern"}}]})
    template = {"index_patterns": ["events*"], "data_stream": {}, "priority": 200}
    loaded.put("_index_template/events", template)
    event = {"@timestamp": "2026-01-01T00:00:00Z", "body": "大会"}
    answer = loaded.http.put("events/_create/e1?refresh=true", json=event)
    assert answer.status_code == 201, answer.text
    loaded.post("events/_rollover")
    yield loaded
    loaded.http.delete("_data_stream/events")
    loaded.http.delete("north,south")


def store_on(engine: Engine, *index: str) -> OpenSearchStore:
    settings = {
        "kind": "opensearch",
        "urls": str(engine.http.base_url).rstrip("/"),
        "index": list(index),
        "text_fields": ["body"],
    }
    return OpenSearchStore("cities", OpenSearchSettings.read("cities", settings))


@pytest.mark.parametrize(
    ("index", "passages"),
    [
        (["cities"], {"north": "札幌", "south": "那覇"}),
        (["northern"], {"north": "札幌"}),
        (["events"], {"e1": "大会"}),
        (["docs", "cities", "events"], {"north": "札幌", "south": "那覇", "e1": "大会"}),
    ],
    ids=["an alias of two", "an alias of one", "a data stream", "together"],
)
async def test_is_ready_and_has_passages(named: Engine, index: list[str], passages: dict[str, str]) -> None:
    store = store_on(named, *index)
    try:
        await store.check()
        for _ in range(2):  # the second time it is known what the names are
            assert await store.fetch(["north", "south", "e1", "nothing"], 10) == passages
    finally:
        await store.close()


async def test_the_first_index_that_has_an_id_counts(named: Engine) -> None:
    store = store_on(named, "south", "cities")
    try:
        assert await store.fetch(["both"], 10) == {"both": "那覇"}
    finally:
        await store.close()


async def test_a_name_that_is_not_there_is_said(named: Engine) -> None:
    store = store_on(named, "cities", "nowhere")
    try:
        with pytest.raises(StoreError, match="index nowhere"):
            await store.check()
    finally:
        await store.close()
