"""A search's way through engine and reranker."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from jrerank.domain import Ranking, RerankRequest
from jrerank.doors.bodies import Share
from jrerank.doors.http import searching as searching_module
from jrerank.doors.http.answers import json_bytes
from jrerank.doors.http.multisearch import OneOfMany, OneTemplate
from jrerank.doors.http.searching import Searching
from jrerank.doors.intake import Caller
from jrerank.doors.search.filter_path import filtered
from jrerank.doors.search.options import SearchBody
from jrerank.doors.search.sealed_ids import IdSeal
from jrerank.doors.service import Service
from jrerank.errors import Overloaded, StoreError, Unavailable, UnknownStore
from jrerank.json_reader.slices import MAX_DEPTH
from jrerank.reranker import Reranker
from jrerank.stores.search import EngineReply, IndexLimits, Json
from shelf import Shelf

TEXTS = ["空は晴れ", "富士山の高さ", "今日の天気は晴れです"]
MATCH: dict[str, Any] = {"query": {"match": {"body": "今日の天気は？"}}}


class Failing(Reranker):
    """Raises what it is given."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def rerank(self, request: RerankRequest) -> Ranking:
        raise self._error


def searching(service: Service, shelf: Shelf | None = None, at_most_ms: float = math.inf) -> Searching:
    caller = Caller("test", time.monotonic(), at_most_ms)
    return Searching(service, shelf or Shelf(TEXTS), caller, Share(service.bodies), IdSeal("docs", ()))


def failing(service: Service, error: Exception) -> Searching:
    return searching(replace(service, reranker=Failing(error)))


class Unreadable(dict[str, Any]):
    """A document that reading fails at."""

    def get(self, key: str, default: Any = None) -> Any:
        raise KeyError(f"a bug at {key}")


async def one(search: Searching, **body: Any) -> EngineReply:
    return await search.one("docs", SearchBody.model_validate(MATCH | body), {})


def ids(response: dict[str, Any]) -> list[str]:
    return [hit["_id"] for hit in response["hits"]["hits"]]


def marker(reply: EngineReply) -> dict[str, Any]:
    found: dict[str, Any] = reply.body["ext"]["jrerank"]
    return found


async def test_the_window_is_asked_for_and_reranked(service: Service) -> None:
    shelf = Shelf(TEXTS)
    reply = await one(searching(service, shelf), size=2)
    assert shelf.asked == [("docs", MATCH | {"from": 0, "size": 100}, {})]
    scores = [hit["_score"] for hit in reply.body["hits"]["hits"]]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)
    assert marker(reply) == marker(reply) | {
        "outcome": "complete",
        "reranked": 3,
        "model": service.info.model,
    }


@pytest.mark.parametrize("refusal", [EngineReply(404, {"error": "no index"}), EngineReply(200, "<html>")])
async def test_what_is_no_answer_to_a_search_stays_as_it_is(service: Service, refusal: EngineReply) -> None:
    assert await one(searching(service, Shelf(TEXTS, refusal))) == refusal
    several = [OneOfMany({}, "docs", SearchBody.model_validate(MATCH))]
    assert await searching(service, Shelf(TEXTS, refusal)).many(several, {}) == refusal


async def test_a_wider_search_that_is_refused_is_asked_as_the_caller_did(service: Service) -> None:
    refusal = EngineReply(400, {"error": {"reason": "Result window is too large"}, "status": 400})
    shelf = Shelf(TEXTS, refusal)
    reply = await one(searching(service, shelf), **{"from": 1}, size=1)
    assert [body["size"] for _, body, _ in shelf.asked] == [100, 1]
    assert ids(reply.body) == ["1"]
    assert marker(reply)["reason"] == "window_refused"
    assert shelf.forgotten == ["docs"], "the index gives less than it was said to"
    wrong = Shelf(TEXTS, refusal, refusal)
    assert await one(searching(service, wrong)) == refusal
    assert not wrong.forgotten


async def test_so_is_each_of_several(service: Service) -> None:
    shelf = Shelf(TEXTS, widest=50)
    searches = [
        OneOfMany({}, "docs", SearchBody.model_validate(MATCH | {"size": 2, "rerank": {"window": window}}))
        for window in (20, 100, 30)
    ]
    reply = await searching(service, shelf).many(searches, {})
    assert [len(response["hits"]["hits"]) for response in reply.body["responses"]] == [2, 2, 2]
    reasons = [response["ext"]["jrerank"]["reason"] for response in reply.body["responses"]]
    assert reasons == [None, "window_refused", None]
    assert [len(lines) for lines, _ in shelf.asked] == [3, 1]
    assert shelf.forgotten == ["docs"]


REFUSED: dict[str, Any] = {
    "error": {"type": "security_exception", "reason": "no permissions for User [name=jrerank-reader]"},
}


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_of_the_stores_own_account_is_no_refusal_of_the_caller(
    service: Service, status: int
) -> None:
    body = REFUSED | {"status": status}
    refused = searching(service, Shelf(TEXTS, EngineReply(status, body)))
    with capture_logs() as logs, pytest.raises(Unavailable, match=f"status {status}") as told:
        await one(refused)
    assert "jrerank-reader" not in str(told.value)
    (logged,) = (line for line in logs if line["event"] == "engine_refuses_account")
    assert "jrerank-reader" in logged["error"]

    several = Shelf(TEXTS, EngineReply(200, {"responses": [body]}))
    reply = await searching(service, several).many(
        [OneOfMany({}, "docs", SearchBody.model_validate(MATCH))], {}
    )
    (response,) = reply.body["responses"]
    assert (response["status"], "jrerank-reader" in str(response)) == (503, False)


async def test_a_block_of_an_index_is_no_refusal_of_the_account(service: Service) -> None:
    reason = "index [docs] blocked by: [FORBIDDEN/7/index read (api)];"
    body = {"error": {"type": "cluster_block_exception", "reason": reason}, "status": 403}
    assert await one(searching(service, Shelf(TEXTS, EngineReply(403, body)))) == EngineReply(403, body)
    several = searching(service, Shelf(TEXTS, EngineReply(200, {"responses": [body]})))
    reply = await several.many([OneOfMany({}, "docs", SearchBody.model_validate(MATCH))], {})
    assert reply.body["responses"] == [body]


async def test_an_engine_that_gives_no_answer(service: Service) -> None:
    error = StoreError("the engine cannot be reached", detail="nobody at 10.0.0.7:9200")
    with pytest.raises(Unavailable, match=r"^the engine cannot be reached$"):
        await one(searching(service, Shelf(TEXTS, error)))
    assert str(error) == "the engine cannot be reached: nobody at 10.0.0.7:9200"


FAILURES = {
    "status_429": Overloaded("full"),
    "status_503": Unavailable("going down"),
    "internal_error": KeyError("bug"),
}


@pytest.mark.parametrize(("reason", "error"), list(FAILURES.items()), ids=list(FAILURES))
async def test_a_reranker_that_fails_costs_the_new_order_only(
    service: Service, reason: str, error: Exception
) -> None:
    reply = await one(failing(service, error), **{"from": 1}, size=1)
    assert ids(reply.body) == ["1"]
    assert marker(reply) == marker(reply) | {"outcome": "passthrough", "reason": reason, "reranked": 0}
    with pytest.raises(Unavailable):
        await one(failing(service, error), rerank={"on_failure": "error"})


@pytest.mark.parametrize(
    ("hit", "rerank", "outcome"),
    [
        ({"highlight": {"body": None}}, {"passage_from": "highlight"}, "complete"),
        ({"_source": Unreadable()}, {}, "passthrough"),
    ],
)
async def test_a_hit_that_cannot_be_read_costs_no_hit(
    service: Service, hit: dict[str, Any], rerank: dict[str, Any], outcome: str
) -> None:
    hits = [{"_id": "0", "_score": 1.0, "_source": {"body": "空"}} | hit]
    found = EngineReply(200, {"hits": {"hits": hits}})
    reply = await one(searching(service, Shelf([], found)), rerank=rerank)
    assert ids(reply.body) == ["0"]
    assert marker(reply)["outcome"] == outcome
    if outcome == "passthrough":
        assert marker(reply)["reason"] == "internal_error"
        with pytest.raises(Unavailable, match="internal_error"):
            await one(searching(service, Shelf([], found)), rerank={"on_failure": "error"})


async def test_a_store_that_there_is_none_of_is_the_callers_mistake(service: Service) -> None:
    with pytest.raises(UnknownStore) as caught:
        await one(searching(service), rerank={"store": "nowhere"})
    assert caught.value.field == "rerank.store"


async def test_no_time_left(service: Service) -> None:
    late = replace(searching(service), caller=Caller("test", time.monotonic() - 1, patience_ms=50))
    reply = await one(late)
    assert ids(reply.body) == ["0", "1", "2"]
    assert marker(reply)["reason"] == "deadline"


PASSED: dict[str, dict[str, Any]] = {
    "disabled": {"rerank": {"enabled": False, "on_failure": "error"}},
    "sort": {"sort": ["date"]},
}


@pytest.mark.parametrize(("reason", "body"), list(PASSED.items()), ids=list(PASSED))
async def test_what_is_passed_through_is_no_failure(
    service: Service, reason: str, body: dict[str, Any]
) -> None:
    assert marker(await one(searching(service), **body))["reason"] == reason


async def test_each_of_several_stands_alone(service: Service) -> None:
    bodies = [MATCH, {"bogus": 1}, {"size": 0}, MATCH | {"rerank": {"store": "nowhere"}}]
    searches = [OneOfMany({"index": "docs"}, "docs", SearchBody.model_validate(body)) for body in bodies]
    reply = await searching(service).many(searches, {"typed_keys": "true"})
    reranked, refused, counted, lost = reply.body["responses"]
    assert reranked["ext"]["jrerank"]["outcome"] == "complete"
    assert refused == {"error": {"type": "parsing_exception"}, "status": 400}
    assert counted["ext"]["jrerank"]["reason"] == "size_zero"
    assert (lost["status"], lost["error"]["type"]) == (404, "unknown_store")


async def test_what_became_of_searches_is_counted(service: Service) -> None:
    await one(searching(service))
    await one(searching(service), size=0)
    counted = service.metrics.exposition().decode()
    for outcome in ("complete", "passthrough"):
        assert f'jrerank_requests_total{{door="search",outcome="{outcome}"}} 1.0' in counted


MADE = EngineReply(200, {"template_output": MATCH})
FORBIDDEN = EngineReply(403, REFUSED | {"status": 403})
TEMPLATES = [OneTemplate({"index": "docs"}, "docs", {"id": f"{number}"}) for number in range(3)]


async def test_a_point_in_time_of_elsewhere_fails_alone_under_its_own_place(service: Service) -> None:
    bodies = [MATCH, MATCH | {"pit": {"id": "elsewhere"}}, MATCH]
    searches = [OneOfMany({"index": "docs"}, "docs", SearchBody.model_validate(body)) for body in bodies]
    first, wrong, last = (await searching(service).many(searches, {})).body["responses"]
    assert [one["ext"]["jrerank"]["outcome"] for one in (first, last)] == ["complete"] * 2
    assert wrong["status"] == 422
    assert wrong["error"]["reason"].startswith("1.pit.id: ")


async def test_of_templates_too_each_fails_alone_under_its_own_place(service: Service) -> None:
    pit = EngineReply(200, {"template_output": MATCH | {"pit": {"id": "elsewhere"}}})
    shelf = Shelf(TEXTS, FORBIDDEN, pit, MADE)
    refused, wrong, last = (await searching(service, shelf).many_by_template(TEMPLATES, {})).body["responses"]
    assert (refused["status"], wrong["status"]) == (503, 422)
    assert wrong["error"]["reason"].startswith("1.pit.id: ")
    assert last["ext"]["jrerank"]["outcome"] == "complete"


async def test_where_none_is_left_nothing_is_searched(service: Service) -> None:
    shelf = Shelf(TEXTS, FORBIDDEN)
    reply = await searching(service, shelf).many_by_template(TEMPLATES[:1], {})
    assert [response["status"] for response in reply.body["responses"]] == [503]
    assert len(shelf.asked) == 1


class SlowShelf(Shelf):
    """Never answers a question; how many are open is counted."""

    open = 0

    async def ask(
        self, method: str, path: Sequence[str], body: Json | None, parameters: Mapping[str, str]
    ) -> EngineReply:
        if body == {"id": "0"}:
            self._next()
        self.open += 1
        try:
            await asyncio.sleep(60)
        finally:
            self.open -= 1
        raise AssertionError


async def test_templates_are_all_filled_in_within_the_time_of_one_request(service: Service) -> None:
    shelf = SlowShelf(TEXTS)
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable, match=r"templates within 0\.1 s"):
            await searching(service, shelf, at_most_ms=100).many_by_template(TEMPLATES * 100, {})
    assert shelf.open == 0


async def test_an_engine_that_gives_no_answer_is_asked_no_further(service: Service) -> None:
    shelf = SlowShelf(TEXTS, StoreError("the engine cannot be reached"))
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable, match="cannot be reached"):
            await searching(service, shelf).many_by_template(TEMPLATES[::-1], {})
    assert shelf.open == 0


class Waited(Shelf):
    """Notes how long it may take to say what indexes can give."""

    def __init__(self) -> None:
        super().__init__(TEXTS)
        self.seconds: list[float] = []

    async def limits(self, index: str, timeout_s: float) -> IndexLimits:
        self.seconds.append(timeout_s)
        return IndexLimits()


@pytest.mark.parametrize(
    ("options", "at_most_ms", "expected_s"),
    [({"timeout_ms": 4_000}, math.inf, 2), ({"timeout_ms": 4_000}, 1_000, 0.5), ({}, 1_000, 0.5), ({}, 0, 0)],
)
async def test_what_an_index_can_give_costs_half_of_a_searchs_time_at_most(
    service: Service, options: Json, at_most_ms: float, expected_s: float
) -> None:
    shelf = Waited()
    await one(searching(service, shelf, at_most_ms=at_most_ms), rerank=options)
    assert shelf.seconds == [pytest.approx(expected_s, abs=0.1)]


async def test_each_of_several_searches_has_a_time_of_its_own(service: Service) -> None:
    shelf = Waited()
    bodies = [SearchBody.model_validate(MATCH | {"rerank": {"timeout_ms": ms}}) for ms in (1, 4_000, 8_000)]
    reply = await searching(service, shelf).many([OneOfMany({}, "docs", body) for body in bodies], {})
    assert shelf.seconds == [pytest.approx(expected_s, abs=0.1) for expected_s in (0, 2, 4)]
    said = [response["ext"]["jrerank"] for response in reply.body["responses"]]
    assert [(one["outcome"], one["reason"]) for one in said] == [
        ("passthrough", "deadline"),
        ("complete", None),
        ("complete", None),
    ]


class Clock:
    """A time that passes where it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class MuteShelf(Shelf):
    """Never says what an index can give: who waits for it waits all of their time."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(TEXTS)
        self._clock = clock

    async def limits(self, index: str, timeout_s: float) -> IndexLimits:
        until = self._clock.now + timeout_s
        await asyncio.sleep(0)  # those that wait together
        self._clock.now = max(self._clock.now, until)
        return IndexLimits()


async def test_many_searches_of_a_slow_index_wait_together_as_long_as_one(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(searching_module, "time", clock)
    search = Searching(
        service, MuteShelf(clock), Caller("test", clock.now), Share(service.bodies), IdSeal("docs", ())
    )
    disabled = SearchBody.model_validate(MATCH | {"rerank": {"timeout_ms": 1_000, "enabled": False}})
    await search.many([OneOfMany({}, "docs", disabled)] * 32, {})
    assert clock.now == pytest.approx(100.5)


@pytest.mark.parametrize("pair", ["[]", "{}"], ids=["lists", "objects"])
@pytest.mark.parametrize("passage_from", ["fields", "values"])
async def test_a_document_as_deep_as_a_reply_may_be(service: Service, passage_from: str, pair: str) -> None:
    levels = MAX_DEPTH - 8
    inner = pair[0] + ('"a":' if pair == "{}" else "")
    chunks = json.loads(inner * levels + '"東京"' + pair[1] * levels)
    hit = {"_id": "0", "_score": 1.0, "_source": {"body": ["空", "晴れ"], "chunks": chunks, "other": 1}}
    shelf = Shelf(TEXTS, EngineReply(200, {"hits": {"hits": [hit]}}))
    options = {"passage_fields": ["chunks", "body"], "passage_from": passage_from}
    reply = await one(searching(service, shelf), rerank=options, _source={"excludes": ["o*", "body"]})
    assert marker(reply)["outcome"] == "complete"
    (shown,) = filtered(reply.body, "hits.hits._source,-**.no_such")["hits"]["hits"]
    assert json.loads(json_bytes(shown | {"score": math.inf})) == {
        "_source": {"chunks": chunks},
        "score": None,
    }
