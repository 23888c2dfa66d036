"""The search door on a real node: the order is the sidecar's, equal to the plugin's, and the rest is as it was."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from integration.opensearch import test_pipeline
from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY
from integration.opensearch.search import Engine, Json, ids, marker
from integration.opensearch.test_pipeline import MATCH, assert_hits, assert_rest_untouched, passage
from jrerank.assembly import open_stores, searches_of
from jrerank.settings import Settings
from sidecars import RunningSidecar

pytestmark = pytest.mark.node

AS_IT_IS = {"search_pipeline": "_none"}  # the index has a default pipeline, which would rerank as well


class Door:
    """The sidecar's search door, before the store `docs`."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def search(self, body: Json, **parameters: str) -> Json:
        response = self.http.post(
            "/v1/search/docs", json=body, params={"index": "docs", **AS_IT_IS, **parameters}
        )
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer

    def msearch(self, bodies: list[Json]) -> list[Json]:
        lines = [line for body in bodies for line in ({"index": "docs"}, {**body, **AS_IT_IS})]
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        headers = {"content-type": "application/x-ndjson"}
        response = self.http.post("/v1/search/docs/_msearch", content=content, headers=headers)
        assert response.status_code == 200, response.text
        return list(response.json()["responses"])

    def reranked(self, engine: Engine, body: Json, window: int = 100) -> list[tuple[str, float]]:
        """What a search has to give: its first hits as the sidecar orders them, sent to it as text, then the others."""
        first = engine.plain({**body, "from": 0, "size": 300, "_source": True})["hits"]["hits"]
        hits = [
            {"id": hit["_id"], "text": passage(hit["_source"]), "score": hit["_score"]}
            for hit in first[:window]
        ]
        answer = self.http.post("/v1/hits", json={"query": QUERY, "hits": hits}).json()
        assert answer["outcome"] == "complete"
        return [(hit["id"], hit["score"]) for hit in answer["hits"]] + [
            (hit["_id"], -0.01 * place / (place + 100)) for place, hit in enumerate(first[window:], 1)
        ]


@pytest.fixture
def door(real_sidecar: tuple[RunningSidecar, int], engine: Engine) -> Iterator[Door]:
    with real_sidecar[0].client() as http:
        yield Door(http)


class TestOrder:
    def test_it_is_the_sidecars_when_asked_directly(self, door: Door, engine: Engine) -> None:
        expected = door.reranked(engine, {"query": MATCH})
        response = door.search({"query": MATCH, "size": 20})
        assert_hits(response, expected[:20])
        assert response["hits"]["max_score"] == pytest.approx(expected[0][1])
        assert marker(response) == marker(response) | {"outcome": "complete", "reason": None, "reranked": 100}
        assert ids(response) != ids(engine.plain({"query": MATCH, "size": 20}))

    @pytest.mark.parametrize(("start", "size"), [(10, 10), (90, 10), (95, 20), (0, 150)])
    def test_pages(self, door: Door, engine: Engine, start: int, size: int) -> None:
        expected = door.reranked(engine, {"query": MATCH})
        assert_hits(
            door.search({"query": MATCH, "from": start, "size": size}), expected[start : start + size]
        )

    def test_ids_only_give_the_same_order_as_text_sent(self, door: Door, engine: Engine) -> None:
        expected = door.reranked(engine, {"query": MATCH})
        response = door.search({"query": MATCH, "_source": False, "rerank": {"store": "docs"}})
        assert_hits(response, expected[:10])
        first = engine.plain({"query": MATCH, "size": 100, "_source": False})["hits"]["hits"]
        hits = [{"id": hit["_id"], "score": hit["_score"]} for hit in first]
        answer = door.http.post("/v1/hits", json={"query": QUERY, "hits": hits, "store": "docs"}).json()
        assert [hit["id"] for hit in answer["hits"]] == [identifier for identifier, _ in expected[:100]]

    def test_each_search_of_an_msearch(self, door: Door, engine: Engine) -> None:
        expected = door.reranked(engine, {"query": MATCH})
        first, second, counted, everything, refused = door.msearch(
            [
                {"query": MATCH},
                {"query": MATCH, "from": 10, "_source": False},
                {"query": MATCH, "size": 0, "aggs": {"topics": {"terms": {"field": "topic"}}}},
                {"query": {"match_all": {}}},
                {"query": {"match": {"number": "no number"}}},
            ]
        )
        assert_hits(first, expected[:10])
        assert_hits(second, expected[10:20])
        assert marker(counted)["reason"] == "size_zero"
        assert counted["aggregations"]["topics"]["buckets"]
        assert marker(everything)["reason"] == "no_query_text"
        assert refused["status"] == 400


class TestTheRestOfTheAnswer:
    @pytest.mark.parametrize(
        "more", list(test_pipeline.TestTheRest.BODIES.values()), ids=list(test_pipeline.TestTheRest.BODIES)
    )
    def test_is_untouched_and_the_order_right(self, door: Door, engine: Engine, more: Json) -> None:
        body = {"query": MATCH, **more}
        response = door.search({**body, "from": 5, "size": 30})
        assert_hits(response, door.reranked(engine, body)[5:35])
        assert_rest_untouched(response, engine.plain({**body, "size": 300}))

    def test_collapse(self, door: Door, engine: Engine) -> None:
        body = {"query": MATCH, "collapse": {"field": "topic"}}
        expected = door.reranked(engine, body)
        response = door.search({**body, "size": 15})
        assert_hits(response, expected[:15])
        assert_rest_untouched(response, engine.plain({**body, "size": 300}))

    def test_a_collapsed_page_with_inner_hits_within_itself(self, door: Door, engine: Engine) -> None:
        inner = {"name": "more", "size": 2, "_source": ["number"]}
        body = {"query": MATCH, "collapse": {"field": "topic", "inner_hits": inner}, "size": 15}
        with engine.without_default_pipeline("docs"):
            plain = engine.plain(body)
            response = door.search(body)
        assert marker(response)["reranked"] == len(ids(plain)) > 1
        assert sorted(ids(response)) == sorted(ids(plain))
        assert ids(response) != ids(plain)
        assert_rest_untouched(response, plain)

    def test_profile(self, door: Door) -> None:
        assert door.search({"query": MATCH, "profile": True})["profile"]["shards"]

    def test_a_scrolls_first_page_within_itself(self, door: Door, engine: Engine) -> None:
        body = {"query": MATCH, "size": 30}
        response = door.search(body, scroll="1m")
        assert sorted(ids(response)) == sorted(ids(engine.plain(body, scroll="1m")))
        assert ids(response) != ids(engine.plain(body))
        asked = {"scroll_id": response["_scroll_id"]}
        later = door.http.post("/v1/search/docs/_search/scroll", json=asked).json()
        assert len(later["hits"]["hits"]) == 30
        assert not set(ids(later)) & set(ids(response))


class TestTheSameAsThePlugin:
    MORE: ClassVar[dict[str, Json]] = {
        "plain": {},
        "page 2": {"from": 10},
        "half of the passage": {"_source": ["title"]},
        "no _source": {"_source": False, "fields": ["number"]},
        "details": {"ext": {"jrerank": {"hit_details": True}}},
        "details of a search that is passed through": {
            "from": 5,
            "ext": {"jrerank": {"enabled": False, "hit_details": True}},
        },
        "the caller's own text": {"ext": {"jrerank": {"query": "東大寺の大仏"}}},
        "the best of several values": {
            "ext": {
                "jrerank": {
                    "passage_from": "values",
                    "passage_fields": ["title", "parts.text"],
                    "hit_details": True,
                }
            }
        },
        "what is highlighted": {
            "highlight": {"fields": {"body": {"fragment_size": 20, "number_of_fragments": 2}}},
            "ext": {"jrerank": {"passage_from": "highlight", "hit_details": True}},
        },
        "aggregations": {
            "aggs": {"topics": {"terms": {"field": "topic"}}},
            "highlight": {"fields": {"body": {}}},
        },
        **{
            f"passed through: {name}": body
            for name, (body, _) in test_pipeline.TestPassthrough.BODIES.items()
        },
    }

    @pytest.mark.parametrize("more", list(MORE.values()), ids=list(MORE))
    def test_for_the_same_search(self, door: Door, engine: Engine, more: Json) -> None:
        engine.put_pipeline("real", endpoint="real", timeout_ms=20_000, passage_fields=PASSAGE_FIELDS)
        body = {"query": MATCH, **more}
        ours, theirs = door.search(body), engine.search(body, search_pipeline="real")
        assert ours == comparable(theirs, ours)

    def test_where_an_index_gives_less_than_the_window(self, door: Door, engine: Engine) -> None:
        engine.http.delete("narrow")
        engine.put("narrow", {"settings": {"index": {"max_result_window": 20}}})
        engine.bulk("narrow", [{"id": str(n), "title": "", "body": f"大仏{n}"} for n in range(30)])
        response = door.search({"query": {"match": {"body": "大仏"}}, "size": 5}, index="narrow")
        assert marker(response)["reranked"] == 20, response


def comparable(theirs: Any, ours: Any) -> Any:
    """`theirs`, but for times and for scores to 7 digits."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return {
            key: ours.get(key) if key in {"took", "took_ms"} else comparable(value, ours.get(key))
            for key, value in theirs.items()
        }
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        return [comparable(one, other) for one, other in zip(theirs, ours, strict=True)]
    return pytest.approx(theirs, rel=1e-6) if isinstance(theirs, float) else theirs


class TestFaults:
    def test_what_the_engine_refuses_comes_as_it_is(self, door: Door, engine: Engine) -> None:
        body = {"query": {"match": {"number": "no number"}}}
        refused = door.http.post("/v1/search/docs", json=body, params={"index": "docs", **AS_IT_IS})
        theirs = engine.http.post("docs/_search", json=body, params=AS_IT_IS)
        assert (refused.status_code, refused.json()) == (theirs.status_code, theirs.json())

    def test_no_time_left_costs_the_new_order_only(self, door: Door, engine: Engine) -> None:
        response = door.search({"query": MATCH, "from": 5, "rerank": {"timeout_ms": 1}})
        assert response["hits"] == engine.plain({"query": MATCH, "from": 5})["hits"]
        assert marker(response)["reason"] in {"deadline", "status_429"}

    def test_the_store_says_whether_the_node_answers(self, door: Door, engine: Engine) -> None:
        engine.http.put("narrow")
        assert door.http.get("/ready").json() == {
            "status": "ready",
            "stores": {"docs": "ok", "clients": "ok", "elastic": "ok"},
        }


class TestTheDocument:
    TEXT = (Path(__file__).parents[3] / "connectors" / "search-door.md").read_text(encoding="utf-8")
    COMMANDS = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)

    def test_its_search_gets_what_it_says(self, door: Door, engine: Engine) -> None:
        (curl,) = [command for command in self.COMMANDS if command.startswith("curl")]
        line = curl.replace("localhost:8080", door.http.base_url.netloc.decode())
        line = line.replace("?preference", "?index=docs&search_pipeline=_none&preference")
        answer = json.loads(subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout)
        assert marker(answer) == marker(answer) | {"outcome": "complete", "reason": None, "reranked": 50}
        assert [list(hit["_source"]) for hit in answer["hits"]["hits"]] == [["title"]] * 10

    async def test_its_store_can_be_opened(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (serve,) = [command for command in self.COMMANDS if "jrerank-sidecar" in command]
        monkeypatch.setenv("JRERANK_STORES", shlex.split(serve)[1].removeprefix("JRERANK_STORES="))
        async with open_stores(Settings.load()) as stores:
            assert list(searches_of(stores)) == ["docs"]
