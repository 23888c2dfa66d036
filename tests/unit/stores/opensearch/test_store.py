import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jrerank.errors import StoreError
from jrerank.stores.opensearch import store as store_module
from jrerank.stores.opensearch.settings import OpenSearchSettings
from jrerank.stores.opensearch.store import OpenSearchStore
from jrerank.stores.search import EngineReply, IndexLimits, SearchEngine
from recorded import Asked, RecordedServer, recorded_server

DOCUMENTS = {
    ("docs", "1"): {"title": "天気", "chunks": [{"text": "晴れ"}, {"text": "雨"}]},
    ("docs", "2"): {"year": 2024},
    ("faq", "1"): {"title": "質問"},
    ("faq", "3"): {"title": "答え"},
}


def multi_get(asked: Asked) -> tuple[int, Any]:
    body = asked.json()
    path_index = asked.path.strip("/").split("/")[0]
    wanted = body.get("docs") or [{"_index": path_index, "_id": one} for one in body["ids"]]
    return 200, {"docs": [found(one["_index"], one["_id"]) for one in wanted]}


def found(index: str, one: str) -> dict[str, Any]:
    if index == "gone":
        return {
            "_index": index,
            "_id": one,
            "error": {"type": "index_not_found_exception", "reason": "no such index [gone]"},
        }
    source = DOCUMENTS.get((index, one))
    return {"_index": index, "_id": one, "found": source is not None} | (
        {"_source": source} if source else {}
    )


@asynccontextmanager
async def store_on(
    answer: Callable[[Asked], tuple[int, Any]], **given: Any
) -> AsyncIterator[tuple[OpenSearchStore, RecordedServer]]:
    with recorded_server(answer) as engine:
        settings = {
            "kind": "opensearch",
            "urls": engine.url,
            "index": "docs",
            "text_fields": ["title", "chunks.text"],
        }
        store = OpenSearchStore("docs", OpenSearchSettings.read("docs", settings | given))
        try:
            yield store, engine
        finally:
            await store.close()


async def test_passages_by_id_in_one_request() -> None:
    async with store_on(multi_get) as (store, engine):
        assert await store.fetch(["1", "2", "9"], 10) == {"1": "天気\n晴れ\n雨"}
    (asked,) = engine.asked
    assert (asked.path, asked.json()) == ("/docs/_mget", {"ids": ["1", "2", "9"]})
    assert asked.parameters == {"_source_includes": "title,chunks.text"}


async def test_the_first_of_several_indexes_that_has_an_id() -> None:
    async with store_on(multi_get, index=["docs", "faq"]) as (store, engine):
        assert await store.fetch(["1", "3"], 10) == {"1": "天気\n晴れ\n雨", "3": "答え"}
    assert len(engine.asked) == 1


async def test_an_index_that_keeps_no_source_has_no_passages() -> None:
    sourceless = {"docs": [{"_index": "docs", "_id": "1", "found": True}]}
    async with store_on(lambda _: (200, sourceless)) as (store, _):
        assert await store.fetch(["1"], 10) == {}


@pytest.mark.parametrize("body", [{}, [], "<html>", {"docs": None}])
async def test_an_answer_that_is_none_is_a_store_error(body: Any) -> None:
    async with store_on(lambda _: (200, body)) as (store, _):
        with pytest.raises(StoreError, match="status 200"):
            await store.fetch(["1"], 10)


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_what_the_engine_refuses_is_a_store_error(status: int) -> None:
    refusal = {"error": {"type": "security_exception", "reason": "no permissions"}, "status": status}
    async with store_on(lambda _: (status, refusal)) as (store, _):
        with pytest.raises(StoreError, match="security_exception: no permissions"):
            await store.fetch(["1"], 10)


async def test_an_index_that_is_not_there_costs_its_own_passages_and_is_said() -> None:
    async with store_on(multi_get, index=["gone", "docs"]) as (store, _):
        assert await store.fetch(["1", "2"], 10) == {"1": "天気\n晴れ\n雨"}
        with pytest.raises(StoreError, match="index gone: index_not_found_exception"):
            await store.check()
    async with store_on(multi_get, index="gone") as (store, _):
        with pytest.raises(StoreError, match="index gone"):
            await store.fetch(["1"], 10)


async def test_a_check_reads_no_document() -> None:
    async with store_on(multi_get) as (store, engine):
        await store.check()
    assert engine.asked[0].parameters == {"_source": "false"}


async def test_it_searches_too() -> None:
    async with store_on(lambda _: (200, {"hits": {}})) as (store, engine):
        assert isinstance(store, SearchEngine)
        await store.search("docs,faq", {"size": 1}, {"routing": "r"})
        await store.msearch([({"index": "docs"}, {"size": 1}), ({}, {"size": 2})], {})
    one, several = engine.asked
    assert (one.path, one.json(), one.parameters) == ("/docs,faq/_search", {"size": 1}, {"routing": "r"})
    assert several.lines() == [{"index": "docs"}, {"size": 1}, {}, {"size": 2}]
    assert several.headers["content-type"] == "application/x-ndjson"


@pytest.mark.parametrize("name", ["ignore", "request_timeout", "timeout"])
async def test_no_parameter_is_taken_as_said_to_the_client_library(name: str) -> None:
    async with store_on(lambda _: (404, {"found": False})) as (store, engine):
        reply = await store.ask("GET", ("docs", "_doc", "1"), None, {name: "404"})
    assert (reply.status, reply.body) == (404, {"found": False})
    assert engine.asked[0].parameters == {name: "404"}


async def test_what_was_searched_for_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    def count(store: OpenSearchStore) -> Awaitable[EngineReply]:
        return store.ask("GET", ("docs", "_count"), None, {"q": "confidential"})

    async with store_on(lambda _: (400, {"error": "parsing_exception"})) as (store, _):
        assert (await count(store)).status == 400
    assert not caplog.records
    async with store_on(multi_get, urls="http://127.0.0.1:9") as (store, _):
        with pytest.raises(StoreError):
            await count(store)
    assert "/docs/_count" in caplog.text
    assert "confidential" not in caplog.text


LIMITS: dict[str, tuple[int, Any, IndexLimits]] = {
    "nothing special": (200, {}, IndexLimits()),
    "a narrow one among others": (
        200,
        {"a": {"settings": {"index": {"max_result_window": "500"}}}, "b": {"mappings": {}}},
        IndexLimits(500),
    ),
    "no source": (200, {"a": {"mappings": {"_source": {"enabled": False}}}}, IndexLimits(keeps_source=False)),
    "not allowed to look": (403, {"error": {"type": "security_exception"}}, IndexLimits()),
    "another language": (200, "<html>", IndexLimits()),
}


@pytest.mark.parametrize(("status", "body", "limits"), list(LIMITS.values()), ids=list(LIMITS))
async def test_what_indexes_can_give_is_asked_once(status: int, body: Any, limits: IndexLimits) -> None:
    async with store_on(lambda _: (status, body)) as (store, engine):
        assert [await store.limits("docs", 10) for _ in range(3)] == [limits] * 3
    assert len(engine.asked) == 1


@pytest.mark.parametrize("told", [(503, "<html>"), (200, "<html>"), (404, {"error": {}})], ids=str)
async def test_what_was_assumed_since_it_was_not_told_is_soon_asked_again(
    told: tuple[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_ASSUMED_AGE_S", 0.0)
    answers = iter([told, LIMITS["a narrow one among others"][:2]])
    async with store_on(lambda _: next(answers)) as (store, _):
        windows = [(await store.limits("docs", 10)).max_result_window for _ in range(3)]
    assert windows == [IndexLimits().max_result_window, 500, 500]


async def test_an_engine_that_is_too_slow_to_say_is_not_waited_for_by_each_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store_module, "_LIMITS_TIMEOUT_S", 0.05)
    go_on = threading.Event()

    def slow(_: Asked) -> tuple[int, Any]:
        go_on.wait(10)
        return 200, {}

    async with store_on(slow) as (store, engine):
        for _ in range(3):
            assert await store.limits("docs", 10) == IndexLimits()
            store.forget_limits("docs")
        assert len(engine.asked) == 1
        go_on.set()


async def test_limits_that_the_engine_does_not_keep_to_are_asked_for_anew() -> None:
    async with store_on(lambda _: (200, {})) as (store, engine):
        await store.limits("docs,faq", 10)
        store.forget_limits("docs")
        await store.limits("faq,docs", 10)
        assert len(engine.asked) == 1
        store.forget_limits("faq,docs")
        await store.limits("docs,faq", 10)
    assert len(engine.asked) == 2


async def test_the_same_indexes_named_otherwise_are_not_asked_again() -> None:
    async with store_on(lambda _: (200, {})) as (store, engine):
        for named in ("docs,faq", "faq,docs", "docs,faq,docs"):
            await store.limits(named, 10)
    assert len(engine.asked) == 1
