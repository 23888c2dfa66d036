"""The search door before an engine that speaks as Elasticsearch does. Its own shapes are recorded: no server could be had."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
import schemathesis
from schemathesis import GenerationMode

from integration.http.conftest import KEY
from integration.http.elasticsearch import API_KEY, QUERY, TEXTS, answer, error, one
from integration.http.test_bad_input import ask_at_random
from recorded import Asked, RecordedServer, recorded_server
from sidecars import RunningSidecar, running_sidecar

Json = dict[str, Any]
MATCH: Json = {"query": {"match": {"body": QUERY}}}


@pytest.fixture(scope="module")
def engine() -> Iterator[RecordedServer]:
    with recorded_server(answer) as recorded:
        yield recorded


@pytest.fixture(scope="module")
def sidecar(engine: RecordedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSidecar]:
    docs = {
        "kind": "elasticsearch",
        "urls": engine.url,
        "index": "docs",
        "text_fields": "body",
        "api_key": API_KEY,
    }
    stores = {
        "docs": docs | {"returns_text": True},
        "closed": docs,
        "locked": docs | {"returns_text": True, "api_key": "wrong"},
        "down": docs | {"returns_text": True, "urls": unused_url()},
        "narrow": docs | {"returns_text": True, "search_timeout_ms": 50},
    }
    with running_sidecar(
        tmp_path_factory.mktemp("search"), api_keys=KEY, stores=json.dumps(stores)
    ) as running:
        yield running


@pytest.fixture
def http(sidecar: RunningSidecar, engine: RecordedServer) -> Iterator[httpx.Client]:
    engine.answer = answer
    engine.asked.clear()
    with sidecar.client(KEY) as client:
        yield client


def search(http: httpx.Client, body: Json, store: str = "docs", **parameters: str) -> Json:
    response = http.post(f"/v1/search/{store}", json=body, params=parameters)
    assert response.status_code == 200, response.text
    found: Json = response.json()
    return found


def ids(response: Json) -> list[str]:
    return [hit["_id"] for hit in response["hits"]["hits"]]


def marker(response: Json) -> Json:
    found: Json = response["ext"]["jrerank"]
    return found


def expected_ids(http: httpx.Client) -> list[str]:
    """The order of the same texts sent to the sidecar."""
    hits = [{"id": number, "text": text} for number, text in TEXTS.items()]
    ranked = http.post("/v1/hits", json={"query": QUERY, "hits": hits}).json()
    return [hit["id"] for hit in ranked["hits"]]


def searched(engine: RecordedServer) -> Asked:
    return next(asked for asked in reversed(engine.asked) if asked.path.endswith("_search"))


def test_the_engines_own_shape_reordered(http: httpx.Client, engine: RecordedServer) -> None:
    response = http.post("/v1/search/docs", json=MATCH)
    found = response.json()
    assert response.headers["x-jrerank-outcome"] == "complete"
    assert ids(found) == expected_ids(http)
    assert found["hits"]["total"] == {"value": 5, "relation": "eq"}
    plain = one(MATCH)
    assert {key: value for key, value in found.items() if key not in {"hits", "ext"}} == {
        key: value for key, value in plain.items() if key != "hits"
    }
    assert found["hits"]["max_score"] == found["hits"]["hits"][0]["_score"] <= 1
    assert marker(found) == marker(found) | {"outcome": "complete", "reason": None, "reranked": 5}
    assert searched(engine).json() == MATCH | {"from": 0, "size": 100}


def test_what_is_passed_on_and_what_is_not(http: httpx.Client, engine: RecordedServer) -> None:
    body = MATCH | {"rerank": {"window": 3}, "ext": {"jrerank": {"hit_details": True}}}
    search(http, body, routing="a", preference="_local", index="docs")
    asked = searched(engine)
    assert asked.parameters == {"routing": "a", "preference": "_local"}
    assert asked.headers["authorization"] == f"ApiKey {API_KEY}"
    assert asked.json() == MATCH | {"from": 0, "size": 10}


def test_page_2_and_a_filter_that_leaves_the_passage_out(http: httpx.Client) -> None:
    page = search(http, MATCH | {"from": 2, "size": 2, "_source": ["number"]})
    assert ids(page) == expected_ids(http)[2:4]
    assert [list(hit["_source"]) for hit in page["hits"]["hits"]] == [["number"], ["number"]]


def test_ids_only_give_the_same_order_as_text(http: httpx.Client, engine: RecordedServer) -> None:
    by_store = search(http, MATCH | {"_source": False, "rerank": {"store": "docs"}})
    assert ids(by_store) == expected_ids(http)
    assert searched(engine).json()["_source"] is False
    assert any(asked.path == "/docs/_mget" for asked in engine.asked)


def test_several_searches(http: httpx.Client, engine: RecordedServer) -> None:
    bodies = [MATCH, MATCH | {"from": 1, "size": 1, "rerank": {"window": 4}}, {"bogus": 1}, {"size": 0}]
    response = multisearch(http, [({}, body) for body in bodies])
    assert response.status_code == 200
    whole, second, refused, counted = response.json()["responses"]
    assert ids(whole) == expected_ids(http)
    assert len(ids(second)) == 1
    assert refused == error(400, "parsing_exception", "unknown key [bogus] for a START_OBJECT")
    assert marker(counted)["reason"] == "size_zero"
    asked = next(asked for asked in engine.asked if asked.path == "/_msearch")
    assert [line["index"] for line in asked.lines()[::2]] == ["docs"] * 4
    assert asked.lines()[1::2][0] == MATCH | {"from": 0, "size": 100}


def multisearch(http: httpx.Client, searches: list[tuple[Json, Json]]) -> httpx.Response:
    lines = "".join(json.dumps(part) + "\n" for pair in searches for part in pair)
    headers = {"content-type": "application/x-ndjson"}
    return http.post("/v1/search/docs/_msearch", content=lines, headers=headers)


def test_a_retriever_is_reranked_within_its_page(http: httpx.Client, engine: RecordedServer) -> None:
    body = {"retriever": {"standard": MATCH}, "size": 3, "rerank": {"query": QUERY}}
    assert marker(search(http, body))["reranked"] == 3
    assert searched(engine).json()["size"] == 3


class TestFaults:
    @pytest.mark.parametrize("body", [{"bogus": 1}, MATCH | {"bogus": 1}])
    def test_what_the_engine_refuses_comes_as_it_is(self, http: httpx.Client, body: Json) -> None:
        response = http.post("/v1/search/docs", json=body)
        assert response.status_code == 400
        assert response.json() == error(400, "parsing_exception", "unknown key [bogus] for a START_OBJECT")

    def test_a_store_whose_account_is_refused_is_unavailable(self, http: httpx.Client) -> None:
        response = http.post("/v1/search/locked", json=MATCH)
        assert (response.status_code, response.json()["error"]["type"]) == (503, "unavailable")

    def test_an_engine_that_is_down(self, http: httpx.Client) -> None:
        for path, content in (("", json.dumps(MATCH)), ("/_msearch", '{}\n{"query":{}}\n')):
            headers = {"content-type": "application/json"}
            response = http.post(f"/v1/search/down{path}", content=content, headers=headers)
            assert response.status_code == 503
            message = response.json()["error"]["message"]
            assert message == "the engine cannot be reached", "where it is concerns no caller"
            assert response.headers["retry-after"]

    def test_an_engine_that_hangs(self, http: httpx.Client, engine: RecordedServer) -> None:
        engine.answer = late(0.5)
        response = http.post("/v1/search/narrow", json=MATCH)
        assert response.status_code == 503
        assert "did not answer within 50 ms" in response.json()["error"]["message"]

    def test_an_engine_that_leaves_no_time_costs_the_new_order_only(
        self, http: httpx.Client, engine: RecordedServer
    ) -> None:
        engine.answer = late(0.3)
        body = MATCH | {"from": 1, "size": 2, "rerank": {"timeout_ms": 200}}
        response = search(http, body)
        assert ids(response) == ["2", "3"]
        assert marker(response) == marker(response) | {
            "outcome": "passthrough",
            "reason": "deadline",
            "reranked": 0,
            "model": None,
        }
        body["rerank"]["on_failure"] = "error"
        failed = http.post("/v1/search/docs", json=body)
        assert failed.status_code == 503
        assert "not reranked: deadline" in failed.json()["error"]["message"]
        (one_of_many,) = multisearch(http, [({}, body)]).json()["responses"]
        assert (one_of_many["status"], one_of_many["error"]["type"]) == (503, "unavailable")

    def test_a_reranker_that_is_overloaded(self, engine: RecordedServer, tmp_path: Path) -> None:
        engine.answer = answer
        docs = {"kind": "elasticsearch", "urls": engine.url, "index": "docs", "text_fields": "body"}
        stores = json.dumps({"docs": docs | {"api_key": API_KEY, "returns_text": True}})
        with running_sidecar(tmp_path, max_queued_tokens="1", workers="1", stores=stores) as full:
            with full.client() as http, busy(full):
                response = search(http, MATCH)
                failed = http.post("/v1/search/docs", json=MATCH | {"rerank": {"on_failure": "error"}})
            assert ids(response) == list(TEXTS)
            assert marker(response)["reason"] == "status_429"
            assert failed.status_code == 429

    def test_linear_fusion_where_a_hit_has_no_score(self, http: httpx.Client, engine: RecordedServer) -> None:
        def unscored(asked: Asked) -> tuple[int, Any]:
            status, response = answer(asked)
            for hit in response.get("hits", {}).get("hits", []):
                hit["_score"] = None
            return status, response

        engine.answer = unscored
        response = search(http, MATCH | {"rerank": {"fusion": {"method": "linear"}}})
        assert marker(response)["reason"] == "status_422"
        assert ids(response) == list(TEXTS)

    def test_half_a_surrogate_pair_in_a_document(self, http: httpx.Client, engine: RecordedServer) -> None:
        engine.answer = lambda asked: (
            answer(asked)[0],
            json.loads(json.dumps(answer(asked)[1]).replace("\\u5948\\u826f", "\\ud83d")),
        )
        assert len(ids(search(http, MATCH))) == 5


@contextmanager
def busy(sidecar: RunningSidecar) -> Iterator[None]:
    """Somebody else keeps the sidecar's one worker busy."""
    hits = [{"id": f"{number}", "text": f"{number}" + "雪まつり" * 400} for number in range(1000)]

    def ask() -> None:
        with sidecar.client() as http:
            http.post("/v1/hits", json={"query": QUERY, "hits": hits, "timeout_ms": 4000})

    thread = threading.Thread(target=ask)
    thread.start()
    with sidecar.client() as http:
        while "jrerank_queued_pairs 0" in http.get("/metrics").text:
            time.sleep(0.01)
    yield
    thread.join()


def late(delay_s: float) -> Any:
    def slowly(asked: Asked) -> tuple[int, Any]:
        if "search" in asked.path:
            time.sleep(delay_s)
        return answer(asked)

    return slowly


class TestRefusals:
    BODIES: ClassVar[dict[str, tuple[Json, str]]] = {
        "a typo": ({"rerank": {"windw": 5}}, "rerank.windw"),
        "no window": ({"rerank": {"window": 0}}, "rerank.window"),
        "a typo in ext": ({"ext": {"jrerank": {"querry": "x"}}}, "ext.jrerank.querry"),
        "a page that is none": ({"from": -1}, "from"),
    }

    @pytest.mark.parametrize(("body", "field"), list(BODIES.values()), ids=list(BODIES))
    def test_name_the_field(self, http: httpx.Client, body: Json, field: str) -> None:
        response = http.post("/v1/search/docs", json=body)
        assert (response.status_code, response.json()["error"]["field"]) == (422, field)
        several = multisearch(http, [({}, MATCH), ({}, body)])
        assert (several.status_code, several.json()["error"]["field"]) == (422, f"1.{field}")

    def test_of_a_point_in_time_from_elsewhere_are_of_one_search(self, http: httpx.Client) -> None:
        elsewhere = {"pit": {"id": "abc"}}
        response = http.post("/v1/search/docs", json=elsewhere)
        assert (response.status_code, response.json()["error"]["field"]) == (422, "pit.id")
        right, wrong = multisearch(http, [({}, MATCH), ({}, elsewhere)]).json()["responses"]
        assert right["status"] == 200
        assert (wrong["status"], wrong["error"]["reason"][:9]) == (422, "1.pit.id:")

    @pytest.mark.parametrize("name", ["bogus", "source", "size", "from"])
    def test_of_url_parameters(self, http: httpx.Client, name: str) -> None:
        response = http.post("/v1/search/docs", json=MATCH, params={name: "x"})
        assert (response.status_code, response.json()["error"]["field"]) == (422, name)

    @pytest.mark.parametrize("index", ["other", "docs,other", "*", "-docs", "docs/_doc/1?"])
    def test_of_an_index_that_the_store_does_not_name(
        self, http: httpx.Client, engine: RecordedServer, index: str
    ) -> None:
        response = http.post("/v1/search/docs", json=MATCH, params={"index": index})
        assert (response.status_code, response.json()["error"]["field"]) == (422, "index")
        several = multisearch(http, [({"index": index.split(",")}, MATCH)])
        assert (several.status_code, several.json()["error"]["field"]) == (422, "0.header.index")
        assert not engine.asked

    def test_of_lines_that_make_no_pairs(self, http: httpx.Client) -> None:
        headers = {"content-type": "application/x-ndjson"}
        for content, field in (("", "body"), ("{}\n", "body"), ("{}\n{\n", "0"), ("[]\n{}\n", "0.header")):
            response = http.post("/v1/search/docs/_msearch", content=content, headers=headers)
            assert (response.status_code, response.json()["error"]["field"]) == (422, field)

    def test_of_a_header_that_is_not_passed_on(self, http: httpx.Client) -> None:
        response = multisearch(http, [({"scroll": "1m"}, MATCH)])
        assert (response.status_code, response.json()["error"]["field"]) == (422, "0.header.scroll")

    @pytest.mark.parametrize("store", ["nowhere", "closed"])
    def test_of_a_store_that_is_not_open(self, http: httpx.Client, store: str) -> None:
        assert http.post(f"/v1/search/{store}", json=MATCH).status_code == 404
        response = http.post("/v1/search/docs", json=MATCH | {"rerank": {"store": "nowhere"}})
        assert (response.status_code, response.json()["error"]["field"]) == (404, "rerank.store")

    def test_without_a_key(self, sidecar: RunningSidecar) -> None:
        with sidecar.client() as http:
            assert http.post("/v1/search/docs", json=MATCH).status_code == 401


def test_neither_texts_nor_secrets_are_logged(sidecar: RunningSidecar, http: httpx.Client) -> None:
    search(http, MATCH)
    log = sidecar.log.read_text()
    assert QUERY not in log
    assert "大仏" not in log
    assert API_KEY not in log


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_the_openapi_document_allows_or_forbids_is_no_5xx(
    mode: GenerationMode, sidecar: RunningSidecar, engine: RecordedServer
) -> None:
    engine.answer = answer
    schema = schemathesis.openapi.from_url(f"{sidecar.url}/openapi.json")
    for path in ("/v1/search/{store}", "/v1/search/{store}/_msearch"):
        ask_at_random(schema[path]["POST"].as_strategy(generation_mode=mode).map(of_docs), sidecar)


def of_docs(case: Any) -> Any:
    case.path_parameters = {"store": "docs"}
    return case


def unused_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"
