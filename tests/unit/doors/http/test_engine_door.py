"""A store's address as the host of an engine's clients; before real engines and with real clients in tests/integration."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest

from jrerank.doors.service import Service
from jrerank.errors import StoreError
from jrerank.stores.search import EngineReply
from shelf import Shelf
from tiny import client_of

JSON = {"content-type": "application/json"}
MATCH: dict[str, Any] = {"query": {"match": {"body": "天気"}}}


class Elasticsearch(Shelf):
    product = "elasticsearch"


@pytest.fixture
def shelf() -> Shelf:
    return Elasticsearch(["晴れ", "雨", "曇り"])


@pytest.fixture
async def http(service: Service, shelf: Shelf) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(dataclasses.replace(service, searches={"docs": shelf})) as client:
        client.base_url = httpx.URL(f"{client.base_url}/v1/search/docs/")
        yield client


@pytest.mark.parametrize("path", ["_search", "docs/_search", "docs%2Cfaq/_search"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_searches_are_reranked(method: str, path: str, http: httpx.AsyncClient, shelf: Shelf) -> None:
    response = await http.request(method, path, json=MATCH, params={"size": "2", "routing": "a"})
    assert response.json()["ext"]["jrerank"]["reranked"] == 3
    assert len(response.json()["hits"]["hits"]) == 2
    index, body, parameters = shelf.asked[-1]
    assert index == ("docs" if path[0] == "d" and "%" not in path else "docs,faq")
    assert (body["size"], parameters) == (100, {"routing": "a"})


@pytest.mark.parametrize("path", ["_search", "_count", "_msearch"])
async def test_the_engine_is_asked_under_the_callers_name(
    path: str, http: httpx.AsyncClient, shelf: Shelf
) -> None:
    lines = f"{{}}\n{json.dumps(MATCH)}\n"
    kind = {"content-type": "application/x-ndjson"} if path == "_msearch" else JSON
    body = lines if path == "_msearch" else json.dumps({"query": MATCH["query"]})
    response = await http.post(path, content=body, headers=kind | {"X-Opaque-Id": "page 3"})
    assert response.status_code == 200, response.text
    assert shelf.names[-1] == {"X-Opaque-Id": "page 3"}


async def test_a_search_in_the_url_alone(http: httpx.AsyncClient, shelf: Shelf) -> None:
    response = await http.get(
        "_search", params={"q": "天気", "filter_path": "hits.hits._id,ext", "pretty": ""}
    )
    assert set(response.json()) == {"hits", "ext"}
    assert list(response.json()["hits"]["hits"][0]) == ["_id"]
    assert response.text.startswith("{\n  ")
    assert shelf.asked[-1][1]["query"] == {"query_string": {"query": "天気"}}
    body = await http.get(
        "docs/_search", params={"source": json.dumps(MATCH), "source_content_type": "application/json"}
    )
    assert body.json()["ext"]["jrerank"]["outcome"] == "complete"
    assert shelf.asked[-1][1]["query"] == MATCH["query"]


@pytest.mark.parametrize("path", ["_msearch", "docs/_msearch"])
async def test_several_searches(path: str, http: httpx.AsyncClient, shelf: Shelf) -> None:
    lines = f'{{}}\n{json.dumps(MATCH)}\n{{"index": "faq"}}\n{json.dumps(MATCH)}\n'
    headers = {"content-type": "application/vnd.elasticsearch+x-ndjson; compatible-with=8"}
    response = await http.post(path, content=lines, headers=headers)
    assert [one["ext"]["jrerank"]["reranked"] for one in response.json()["responses"]] == [3, 3]
    indexes = [header["index"] for header, _ in shelf.asked[-1][0]]
    assert indexes == ["docs" if path[0] == "d" else "docs,faq", "faq"]


async def test_what_elasticsearchs_clients_look_for(http: httpx.AsyncClient) -> None:
    kind = "application/vnd.elasticsearch+json"
    headers = {"accept": f"{kind}; compatible-with=9", "content-type": f"{kind}; compatible-with=9"}
    response = await http.post("docs/_search", content=json.dumps(MATCH), headers=headers)
    assert response.headers["content-type"] == f"{kind};compatible-with=9"
    assert response.headers["x-elastic-product"] == "Elasticsearch"
    assert (await http.head("")).headers["x-elastic-product"] == "Elasticsearch"


async def test_an_opensearch_does_not_pass_itself_off_as_another(
    http: httpx.AsyncClient, shelf: Shelf
) -> None:
    shelf.product = "opensearch"
    response = await http.post(
        "_search", json=MATCH, headers={"accept": "application/vnd.elasticsearch+json"}
    )
    assert "x-elastic-product" not in response.headers
    assert response.headers["content-type"] == "application/json"


READS: list[tuple[str, str, dict[str, Any] | None, tuple[str, ...]]] = [
    ("GET", "", None, ()),
    ("POST", "_count", MATCH, ("docs,faq", "_count")),
    ("GET", "faq/_count", None, ("faq", "_count")),
    ("GET", "docs/_doc/a%2Fb", None, ("docs", "_doc", "a/b")),
    ("GET", "docs/_source/1", None, ("docs", "_source", "1")),
    ("POST", "docs/_explain/1", MATCH, ("docs", "_explain", "1")),
    ("GET", "_field_caps", None, ("docs,faq", "_field_caps")),
    ("GET", "_mapping", None, ("docs,faq", "_mapping")),
    ("HEAD", "docs", None, ("docs",)),
    ("POST", "docs/_mget", {"ids": ["1"]}, ("docs", "_mget")),
    ("POST", "_mget", {"docs": [{"_index": "faq", "_id": "1"}]}, ("_mget",)),
    ("POST", "_mget?index=faq", {"ids": ["1"]}, ("faq", "_mget")),
    ("GET", f"docs/_count?filter_path={'a' * 2_001}", None, ("docs", "_count")),
    ("POST", "docs/_search/point_in_time?keep_alive=1m", None, ("docs", "_search", "point_in_time")),
]


@pytest.mark.parametrize(("method", "path", "body", "asked"), READS, ids=[read[1][:40] for read in READS])
async def test_reads_are_passed_on_as_they_come(
    method: str,
    path: str,
    body: dict[str, Any] | None,
    asked: tuple[str, ...],
    http: httpx.AsyncClient,
    shelf: Shelf,
) -> None:
    path, _, query = path.partition("?")
    sent = dict(parse_qsl(query))
    parameters = {"filter_path": "a"} | sent | {"human": ""}
    url = f"{path}?{urlencode(parameters)}"
    response = await (http.request(method, url, json=body) if body else http.request(method, url))
    assert response.status_code == 200
    assert response.json() if method != "HEAD" else not response.content
    parameters.pop("index", None)
    assert shelf.asked == [(method, asked, body, parameters)]


@pytest.mark.parametrize(
    "path",
    [
        "other/_search",
        "*/_search",
        "docs,other/_count",
        "other/_doc/1",
        "other",
        ".security/_mapping",
        "_mget?index=other",
        "_search?index=other",
        "_count?index=other",
    ],
)
async def test_other_indexes_are_refused(path: str, http: httpx.AsyncClient, shelf: Shelf) -> None:
    response = await http.request("HEAD" if path == "other" else "GET", path)
    assert response.status_code == 422
    assert path == "other" or response.json()["error"]["field"] == "index"
    assert not shelf.asked


@pytest.mark.parametrize("index", ["other", "docs,other", ["docs", "other"], 5])
async def test_a_document_of_another_index_is_refused(
    index: Any, http: httpx.AsyncClient, shelf: Shelf
) -> None:
    body = {"docs": [{"_index": "docs", "_id": "1"}, {"_index": index, "_id": "1"}]}
    for response in (
        await http.post("docs/_mget", json=body),
        await http.get(
            "_mget", params={"source": json.dumps(body), "source_content_type": "application/json"}
        ),
    ):
        assert (response.status_code, response.json()["error"]["field"]) == (422, "docs.1._index")
    assert not shelf.asked


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "docs/_doc/1", 405),
        ("DELETE", "docs", 405),
        ("POST", "_bulk", 403),
        ("POST", "docs/_delete_by_query", 403),
        ("PUT", "", 405),
        ("GET", "_cat/indices", 403),
    ],
)
async def test_what_writes_is_not_passed_on(
    method: str, path: str, status: int, http: httpx.AsyncClient, shelf: Shelf
) -> None:
    response = await http.request(method, path)
    assert response.status_code == status
    assert "is not passed on" in response.json()["error"]["reason"]
    assert response.json()["error"]["root_cause"][0]["reason"] == response.json()["error"]["reason"]
    assert ("allow" in response.headers) == (status == 405)
    assert not shelf.asked


class TestScroll:
    @pytest.fixture
    def shelf(self) -> Shelf:
        return Shelf([], EngineReply(200, {"_scroll_id": "abc", "hits": {"hits": []}}))

    @pytest.fixture
    async def sealed(self, http: httpx.AsyncClient) -> str:
        found = (await http.post("_search?scroll=1m", json=MATCH)).json()["_scroll_id"]
        assert found != "abc"
        return str(found)

    async def test_is_continued_by_the_engine(
        self, sealed: str, http: httpx.AsyncClient, shelf: Shelf
    ) -> None:
        expected = {"scroll_id": "abc", "scroll": "1m"}
        await http.post("_search/scroll", json={"scroll_id": sealed, "scroll": "1m"})
        await http.get("_search/scroll", params={"scroll_id": sealed, "scroll": "1m"})
        await http.post(f"_search/scroll/{sealed}", params={"scroll": "1m"})
        assert [asked[2] for asked in shelf.asked[1:]] == [expected] * 3
        assert [asked[0] for asked in shelf.asked[1:]] == ["POST", "GET", "POST"]

    async def test_is_ended(self, sealed: str, http: httpx.AsyncClient, shelf: Shelf) -> None:
        await http.request("DELETE", "_search/scroll", json={"scroll_id": [sealed]})
        await http.request("DELETE", f"_search/scroll/{sealed}")
        assert [asked[2] for asked in shelf.asked[1:]] == [{"scroll_id": ["abc"]}] * 2

    @pytest.mark.parametrize(
        "body", [{}, {"scroll_id": "abc"}, {"scroll_id": "_all"}, {"scroll_id": 5}, {"scroll_id": "\ud800"}]
    )
    async def test_of_elsewhere_is_refused(self, body: Any, http: httpx.AsyncClient, shelf: Shelf) -> None:
        response = await http.post("_search/scroll", content=json.dumps(body), headers=JSON)
        assert (response.status_code, response.json()["error"]["field"]) == (422, "scroll_id")
        assert not shelf.asked


class TestPointInTime:
    @pytest.fixture
    def shelf(self) -> Shelf:
        return Shelf(
            ["晴れ"],
            EngineReply(200, {"pit_id": "abc"}),
            EngineReply(200, {"pit_id": "abd", "hits": {"hits": []}}),
        )

    async def test_is_opened_searched_and_closed(self, http: httpx.AsyncClient, shelf: Shelf) -> None:
        opened = (await http.post("docs/_search/point_in_time?keep_alive=1m")).json()["pit_id"]
        found = (await http.post("_search", json=MATCH | {"pit": {"id": opened, "keep_alive": "1m"}})).json()
        index, body, _ = shelf.asked[1]
        assert (index, body["pit"]) == ("", {"id": "abc", "keep_alive": "1m"})
        await http.request("DELETE", "_search/point_in_time", json={"pit_id": [opened, found["pit_id"]]})
        assert shelf.asked[2][2] == {"pit_id": ["abc", "abd"]}
        lines = f"{{}}\n{json.dumps(MATCH | {'pit': {'id': opened}})}\n"
        await http.post("_msearch", content=lines, headers={"content-type": "application/x-ndjson"})
        assert shelf.asked[3][0][0][0] == {}

    @pytest.mark.parametrize("pit", [{}, {"keep_alive": "1m"}, {"id": None}, {"id": ["abc"]}])
    async def test_without_its_id_is_refused(self, pit: Any, http: httpx.AsyncClient, shelf: Shelf) -> None:
        response = await http.post("_search", json=MATCH | {"pit": pit})
        assert (response.status_code, response.json()["error"]["field"]) == (422, "pit")
        assert not shelf.asked

    async def test_that_is_null_is_none(self, http: httpx.AsyncClient, shelf: Shelf) -> None:
        await http.post("docs/_search", json=MATCH | {"pit": None})
        index, body, _ = shelf.asked[0]
        assert (index, "pit" in body) == ("docs", False)


class TestTemplate:
    @pytest.fixture
    def shelf(self) -> Shelf:
        return Shelf(["晴れ", "雨"], EngineReply(200, {"template_output": MATCH | {"size": 1}}))

    async def test_is_filled_in_by_the_engine_and_reranked(
        self, http: httpx.AsyncClient, shelf: Shelf
    ) -> None:
        body = {"id": "by-text", "params": {"text": "天気"}, "rerank": {"window": 5}}
        found = (await http.post("docs/_search/template", json=body)).json()
        assert found["ext"]["jrerank"]["reranked"] == 2
        assert len(found["hits"]["hits"]) == 1
        asked = {"id": "by-text", "params": {"text": "天気"}}
        assert shelf.asked[0] == ("POST", ("_render", "template"), asked, {})
        assert shelf.asked[1][:2] == ("docs", MATCH | {"from": 0, "size": 5})


class TestSeveralTemplates:
    BODIES: ClassVar[list[dict[str, Any]]] = [
        {"id": "by-text", "params": {"text": "天気"}, "rerank": {"window": 5}},
        {"id": "unknown"},
        {"source": MATCH, "rerank": {"windw": 1}},
        {"source": MATCH},
    ]

    @pytest.fixture
    def shelf(self) -> Shelf:
        made = EngineReply(200, {"template_output": MATCH | {"size": 1}})
        unknown = EngineReply(404, {"error": {"type": "resource_not_found_exception"}, "status": 404})
        return Shelf(["晴れ", "雨"], made, unknown, made, made)

    async def test_each_is_filled_in_and_reranked_and_one_that_fails_fails_alone(
        self, http: httpx.AsyncClient, shelf: Shelf
    ) -> None:
        lines = "".join(f'{{"index": "docs"}}\n{json.dumps(body)}\n' for body in self.BODIES)
        headers = {"content-type": "application/x-ndjson"}
        answer = (await http.post("_msearch/template", content=lines, headers=headers)).json()
        first, unknown, wrong, last = answer["responses"]
        assert [one["ext"]["jrerank"]["reranked"] for one in (first, last)] == [2, 2]
        assert (unknown["status"], unknown["error"]["type"]) == (404, "resource_not_found_exception")
        assert wrong["status"] == 422
        assert "2.rerank.windw" in wrong["error"]["reason"]
        searches, _ = shelf.asked[4]
        assert [header["index"] for header, _ in searches] == ["docs", "docs"]
        assert [body["size"] for _, body in searches] == [5, 100]

    async def test_none_of_which_is_a_search(self, http: httpx.AsyncClient, shelf: Shelf) -> None:
        wrong = MATCH | {"rerank": {"window": 0}}
        headers = {"content-type": "application/x-ndjson"}
        lines = f"{{}}\n{json.dumps(wrong)}\n"
        answer = (await http.post("docs/_msearch/template", content=lines, headers=headers)).json()
        assert [one["status"] for one in answer["responses"]] == [422]
        assert len(shelf.asked) == 1


class TestRefused:
    @pytest.fixture
    def shelf(self) -> Shelf:
        return Shelf([], StoreError("the engine cannot be reached"))

    async def test_an_engine_that_is_down(self, http: httpx.AsyncClient) -> None:
        response = await http.get("")
        assert (response.status_code, response.json()["status"]) == (503, 503)

    @pytest.mark.parametrize(
        ("path", "content", "status", "field"),
        [
            ("_search", "{", 400, "body"),
            ("_search", "[]", 422, "body"),
            ("_search", '{"rerank": {"windw": 1}}', 422, "rerank.windw"),
            ("_search?bogus=1", "{}", 422, "bogus"),
            ("_search?size=x", "{}", 422, "size"),
            ("docs/_count", "x", 400, "body"),
        ],
    )
    async def test_names_the_field(
        self, path: str, content: str, status: int, field: str, http: httpx.AsyncClient
    ) -> None:
        response = await http.post(path, content=content, headers={"content-type": "application/json"})
        assert (response.status_code, response.json()["error"]["field"]) == (status, field)


@pytest.mark.parametrize("authorization", ["Bearer secret", "ApiKey secret", "Basic YW55Ym9keTpzZWNyZXQ="])
async def test_a_key_comes_as_clients_send_it(authorization: str, service: Service) -> None:
    searches = {"docs": Shelf([])}
    async with client_of(dataclasses.replace(service, searches=searches, keys=("secret",))) as http:
        for sent, status in ((authorization, 200), ("Basic !", 401), ("Basic YTpi", 401), ("ApiKey x", 401)):
            response = await http.get("/v1/search/docs/", headers={"authorization": sent})
            assert response.status_code == status
