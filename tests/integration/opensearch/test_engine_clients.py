"""Engines' own clients, which know nothing of the search door but its address, before a real OpenSearch node.

Elasticsearch's clients walk there too, at a store that is said to be one: their requests are real, the answers are OpenSearch's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import opensearchpy
import pytest

from integration.opensearch.search import Engine, ids
from node_packages import installed, run
from sidecars import RunningSidecar

pytestmark = pytest.mark.node

INDEX = "narrow"
QUERY = "奈良の大仏"
BODIES = [
    "東大寺の大仏は奈良時代に造られた。",
    "奈良公園には鹿がいる。奈良の観光の名所である。",
    "鎌倉の大仏は高徳院の本尊である。",
    "奈良漬は酒粕に漬けた漬物である。",
    "大仏殿は世界最大級の木造建築である。",
    "飛鳥の大仏は日本でもっとも古い仏像である。",
    "奈良時代の都は平城京である。",
]
MATCH: dict[str, Any] = {"query": {"match": {"body": QUERY}}}


@dataclass(frozen=True)
class Place:
    """Where clients are pointed at, and what a search there has to give."""

    url: str
    ids: list[str]
    version: str

    def of(self, client: str) -> str:
        return f"{self.url}/v1/search/{'clients' if client == 'opensearch' else 'elastic'}"


@pytest.fixture(scope="module")
def place(real_sidecar: tuple[RunningSidecar, int], loaded: Engine) -> Iterator[Place]:
    loaded.http.delete(INDEX)
    loaded.put(INDEX, {"settings": {"index": {"number_of_shards": 1, "number_of_replicas": 0}}})
    loaded.bulk(INDEX, [{"id": str(n), "title": f"{n}", "body": body} for n, body in enumerate(BODIES)])
    sidecar = real_sidecar[0]
    with sidecar.client() as http:
        answer = http.post("/v1/search/clients", json=MATCH | {"size": 5}, params={"index": INDEX}).json()
    assert answer["ext"]["jrerank"]["outcome"] == "complete"
    assert ids(answer) != ids(loaded.search(MATCH | {"size": 5}, INDEX))
    version = loaded.http.get("/").json()["version"]["number"]
    yield Place(sidecar.url, ids(answer), version)


@pytest.fixture(scope="module")
def opensearch(place: Place) -> Iterator[opensearchpy.OpenSearch]:
    with opensearchpy.OpenSearch(place.of("opensearch"), max_retries=0) as client:
        yield client


class TestOpenSearchPy:
    def test_searches(self, place: Place, opensearch: opensearchpy.OpenSearch) -> None:
        client = opensearch
        assert client.info()["version"]["number"] == place.version
        assert client.ping()
        parameters = {"size": 5, "_source_includes": "title", "filter_path": "hits.hits,ext"}
        found = client.search(index=INDEX, body=MATCH, params=parameters)
        assert ids(found) == place.ids
        assert set(found) == {"hits", "ext"}
        assert [list(hit["_source"]) for hit in found["hits"]["hits"]] == [["title"]] * 5
        by_url = client.search(index=INDEX, q=QUERY, df="body", size=5, from_=1)
        assert ids(by_url)[:4] == place.ids[1:]
        several = client.msearch(index=INDEX, body=[{}, MATCH, {}, MATCH | {"size": 2}])
        assert [ids(one) for one in several["responses"]][1] == place.ids[:2]
        template = {"source": {**MATCH, "size": "{{size}}"}, "params": {"size": 5}}
        assert ids(client.search_template(index=INDEX, body=template)) == place.ids
        filled_in = client.msearch_template(index=INDEX, body=[{}, template, {}, {"id": "none"}])["responses"]
        assert (ids(filled_in[0]), filled_in[1]["status"]) == (place.ids, 404)

    def test_scrolls_and_points_in_time(self, place: Place, opensearch: opensearchpy.OpenSearch) -> None:
        client = opensearch
        first = client.search(index=INDEX, body=MATCH | {"size": 4}, scroll="1m")
        later = client.scroll(scroll_id=first["_scroll_id"], scroll="1m")
        assert len({*ids(first), *ids(later)}) == len(ids(first)) + len(ids(later)) > 4
        assert client.clear_scroll(scroll_id=later["_scroll_id"])["succeeded"]
        scanned = opensearchpy.helpers.scan(client, index=INDEX, query={"query": {"match_all": {}}}, size=3)
        assert sorted(hit["_id"] for hit in scanned) == [str(n) for n in range(len(BODIES))]
        opened = client.create_pit(index=INDEX, params={"keep_alive": "1m"})["pit_id"]
        found = client.search(body=MATCH | {"size": 5, "pit": {"id": opened}})
        assert ids(found) == place.ids
        assert client.delete_pit(body={"pit_id": [opened]})["pits"][0]["successful"]

    def test_reads(self, place: Place, opensearch: opensearchpy.OpenSearch, loaded: Engine) -> None:
        client = opensearch
        expected = loaded.post(f"{INDEX}/_count", MATCH)["count"]
        assert client.count(index=INDEX, body=MATCH)["count"] == expected
        assert client.get(index=INDEX, id="1")["_source"]["body"] == BODIES[1]
        assert client.get_source(index=INDEX, id="1")["body"] == BODIES[1]
        assert [client.exists(index=INDEX, id=one) for one in ("1", "nobody")] == [True, False]
        found = client.mget(index=INDEX, body={"ids": ["1", "2"]})["docs"]
        assert [one["_source"]["body"] for one in found] == BODIES[1:3]
        assert client.explain(index=INDEX, id="1", body=MATCH)["matched"]
        assert client.indices.validate_query(index=INDEX, body=MATCH)["valid"]
        assert "body" in client.field_caps(index=INDEX, params={"fields": "*"})["fields"]
        assert client.indices.exists(index=INDEX)
        assert "body" in client.indices.get_mapping(index=INDEX)[INDEX]["mappings"]["properties"]
        with pytest.raises(opensearchpy.NotFoundError):
            client.get(index=INDEX, id="nobody")

    def test_its_query_language(self, place: Place, opensearch: opensearchpy.OpenSearch) -> None:
        search = opensearchpy.Search(using=opensearch, index=INDEX).query("match", body=QUERY)
        assert [hit.meta.id for hit in search[:5].execute()] == place.ids
        assert search.count() == len(list(search.scan())) > 5

    async def test_asynchronously(self, place: Place) -> None:
        async with opensearchpy.AsyncOpenSearch(place.of("opensearch")) as client:
            assert ids(await client.search(index=INDEX, body=MATCH | {"size": 5})) == place.ids

    def test_nothing_that_writes_gets_through(
        self, opensearch: opensearchpy.OpenSearch, loaded: Engine
    ) -> None:
        client = opensearch
        writes: dict[int, Any] = {
            405: [
                lambda: client.index(index=INDEX, id="1", body={}),
                lambda: client.delete(index=INDEX, id="1"),
                lambda: client.indices.delete(index=INDEX),
                lambda: client.indices.put_mapping(index=INDEX, body={"properties": {}}),
            ],
            403: [
                lambda: client.bulk(index=INDEX, body=[{"index": {"_id": "1"}}, {}]),
                lambda: client.update(index=INDEX, id="1", body={"doc": {}}),
                lambda: client.delete_by_query(index=INDEX, body=MATCH),
                lambda: client.put_script(id="x", body={"script": {"lang": "mustache", "source": "{}"}}),
                lambda: client.cluster.put_settings(body={}),
            ],
        }
        for status, calls in writes.items():
            for call in calls:
                with pytest.raises(opensearchpy.TransportError) as caught:
                    call()
                assert caught.value.status_code == status
                assert "is not passed on" in str(caught.value.info["error"]["reason"])
        assert loaded.http.get(f"{INDEX}/_doc/1").json()["_source"]["body"] == BODIES[1]


@pytest.mark.parametrize("package", ["elasticsearch8", "elasticsearch"], ids=["8", "9"])
def test_elasticsearch_py(package: str, place: Place) -> None:
    library = import_module(package)
    with library.Elasticsearch(place.of(package), max_retries=0) as client:
        assert client.info()["version"]["number"] == place.version
        assert client.ping()
        found = client.search(
            index=INDEX, **MATCH, size=5, source_includes=["title"], filter_path="hits.hits,ext"
        )
        assert ids(found) == place.ids
        assert ids(client.search(index=INDEX, q=QUERY, df="body", size=5)) == place.ids
        asked = client.search(index=INDEX, **MATCH, ext={"jrerank": {"window": 2}})
        assert asked["ext"]["jrerank"]["reranked"] == 2
        several = client.msearch(searches=[{"index": INDEX}, MATCH, {}, MATCH], index=INDEX)
        assert [ids(one)[:5] for one in several["responses"]] == [place.ids] * 2
        first = client.search(index=INDEX, **MATCH, size=4, scroll="1m")
        later = client.scroll(scroll_id=first["_scroll_id"], scroll="1m")
        assert not {*ids(first)} & {*ids(later)}
        assert client.clear_scroll(scroll_id=later["_scroll_id"])["succeeded"]
        template = client.search_template(index=INDEX, source=json.dumps(MATCH), params={})
        assert ids(template)[:5] == place.ids
        assert client.count(index=INDEX, **MATCH)["count"] == first["hits"]["total"]["value"]
        assert client.get(index=INDEX, id="1")["_source"]["body"] == BODIES[1]
        assert client.mget(index=INDEX, ids=["1"])["docs"][0]["found"]
        assert client.exists(index=INDEX, id="1")
        assert client.indices.exists(index=INDEX)
        assert not client.exists(index=INDEX, id="nobody")
        with pytest.raises(library.ApiError) as caught:
            client.index(index=INDEX, id="1", document={})
        assert caught.value.status_code == 405
        with pytest.raises(library.NotFoundError):
            client.get(index=INDEX, id="nobody")
        dsl = import_module(f"{package}.dsl")
        search = dsl.Search(using=client, index=INDEX).query("match", body=QUERY)
        assert [hit.meta.id for hit in search[:5].execute()] == place.ids


@pytest.mark.parametrize("package", ["elasticsearch8", "elasticsearch"], ids=["8", "9"])
def test_its_clients_refuse_what_is_not_said_to_be_elasticsearch(package: str, place: Place) -> None:
    library = import_module(package)
    with (
        library.Elasticsearch(place.of("opensearch")) as client,
        pytest.raises(library.UnsupportedProductError),
    ):
        client.info()


@pytest.fixture(scope="session")
def node_folder() -> Path:
    return installed(Path(__file__).parents[2] / "node_clients")


@pytest.mark.parametrize("client", ["opensearch", "elasticsearch8", "elasticsearch9"])
def test_javascript(client: str, place: Place, node_folder: Path, loaded: Engine) -> None:
    seen = json.loads(run(["node", str(node_folder / "walk.mjs"), client, place.of(client), INDEX, QUERY]))
    count = loaded.post(f"{INDEX}/_count", MATCH)["count"]
    assert seen == {
        "version": place.version,
        "ping": True,
        "ids": place.ids,
        "outcome": "complete",
        "count": count,
        "several": [place.ids, place.ids[:2]],
        "scrolled": count,
        "template": place.ids,
        "document": place.ids[0],
        "exists": [True, False],
        "refused": [405, 405, 422],
    } | ({"pit": place.ids} if client == "opensearch" else {})


def test_what_the_page_shows(place: Place) -> None:
    page = (Path(__file__).parents[3] / "connectors" / "search-door.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert 'index="docs"' in shown
    shown = shown.replace("http://localhost:8080", place.url).replace("/search/docs", "/search/clients")
    shown = shown.replace('index="docs"', f'index="{INDEX}"')
    variables: dict[str, Any] = {}
    exec(shown, variables)
    assert variables["answer"]["ext"]["jrerank"]["outcome"] == "complete"
    variables["client"].close()


def test_curl_without_a_client(place: Place) -> None:
    """As engines' own documentation writes requests: a GET with a body, `pretty`."""
    response = httpx.request(
        "GET", f"{place.of('opensearch')}/{INDEX}/_search?pretty", json=MATCH | {"size": 5}
    )
    assert response.text.startswith('{\n  "took" : ')
    assert ids(response.json()) == place.ids
