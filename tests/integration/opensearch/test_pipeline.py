"""A real pipeline: the order is the sidecar's, the page is the caller's, and the rest is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from prometheus_client.parser import text_string_to_metric_families

from integration.opensearch.conftest import API_KEY, Sidecars
from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY
from integration.opensearch.search import Engine, Json, ids, marker, scores
from jrerank.admin.opensearch_node.node import Node

pytestmark = pytest.mark.node

MATCH = {"multi_match": {"query": QUERY, "fields": PASSAGE_FIELDS}}
WINDOW = 100


def reranked(engine: Engine, sidecars: Sidecars, body: Json, window: int = WINDOW) -> list[tuple[str, float]]:
    """What a search has to give: its first hits as the sidecar orders them, asked directly, then the others."""
    whole = {**body, "from": 0, "size": 300, "_source": True}
    first = engine.plain(whole)["hits"]["hits"]
    hits = [
        {"id": hit["_id"], "text": passage(hit["_source"]), "score": hit["_score"]} for hit in first[:window]
    ]
    answer = sidecars.main.rerank(QUERY, hits)
    beyond = first[window:]
    return [(hit["id"], hit["score"]) for hit in answer["hits"]] + [
        (hit["_id"], -0.01 * place / (place + 100)) for place, hit in enumerate(beyond, 1)
    ]


def passage(source: Json) -> str:
    return "\n".join(source[field] for field in PASSAGE_FIELDS)


def assert_hits(response: Json, expected: list[tuple[str, float]]) -> None:
    assert ids(response) == [identifier for identifier, _ in expected]
    assert scores(response) == pytest.approx([score for _, score in expected], rel=1e-6)


def assert_rest_untouched(response: Json, plain: Json) -> None:
    """All but the order, the scores and the marker: totals, aggregations, and every hit's own parts."""
    for answer in (response, plain):
        assert not answer["timed_out"]
    ours, theirs = _without_hits(response), _without_hits(plain)
    assert ours == theirs
    whole = {hit["_id"]: _without_score(hit) for hit in plain["hits"]["hits"]}
    for hit in response["hits"]["hits"]:
        assert _without_score(hit) == whole[hit["_id"]]


def _without_hits(response: Json) -> Json:
    parts = {
        key: value
        for key, value in response.items()
        if key not in {"took", "ext", "hits", "pit_id", "profile"}
    }
    return parts | {"total": response["hits"].get("total")}


def _without_score(hit: Json) -> Json:
    return {key: value for key, value in hit.items() if key != "_score"}


class TestOrder:
    def test_it_is_the_sidecars_when_asked_directly(self, engine: Engine, sidecars: Sidecars) -> None:
        expected = reranked(engine, sidecars, {"query": MATCH})
        response = engine.search({"query": MATCH, "size": 20})
        assert_hits(response, expected[:20])
        assert response["hits"]["max_score"] == pytest.approx(expected[0][1])
        assert marker(response) == marker(response) | {
            "outcome": "complete",
            "reason": None,
            "reranked": 100,
            "model": "fake",
        }
        assert ids(response) != ids(engine.plain({"query": MATCH, "size": 20}))

    def test_page_2_goes_on_where_page_1_ended(self, engine: Engine, sidecars: Sidecars) -> None:
        expected = reranked(engine, sidecars, {"query": MATCH})
        for start in (0, 10, 20, 90):
            page = engine.search({"query": MATCH, "from": start, "size": 10})
            assert_hits(page, expected[start : start + 10])

    def test_a_page_across_the_windows_end(self, engine: Engine, sidecars: Sidecars) -> None:
        expected = reranked(engine, sidecars, {"query": MATCH})
        assert len(expected) == 300
        assert_hits(engine.search({"query": MATCH, "from": 95, "size": 20}), expected[95:115])

    def test_a_page_larger_than_the_window(self, engine: Engine, sidecars: Sidecars) -> None:
        expected = reranked(engine, sidecars, {"query": MATCH})
        assert_hits(engine.search({"query": MATCH, "size": 150}), expected[:150])

    def test_a_sort_by_score_alone_is_none(self, engine: Engine, sidecars: Sidecars) -> None:
        expected = reranked(engine, sidecars, {"query": MATCH})
        assert_hits(engine.search({"query": MATCH, "sort": ["_score"]}), expected[:10])

    def test_each_search_of_an_msearch(self, engine: Engine, sidecars: Sidecars) -> None:
        expected = reranked(engine, sidecars, {"query": MATCH})
        bodies: list[dict[str, Any]] = [
            {"query": MATCH},
            {"query": MATCH, "from": 10, "_source": False},
            {"query": MATCH, "size": 0, "aggs": {"topics": {"terms": {"field": "topic"}}}},
            {"query": {"match_all": {}}},
        ]
        first, second, counted, everything = engine.msearch(bodies)
        assert_hits(first, expected[:10])
        assert_hits(second, expected[10:20])
        assert marker(counted)["reason"] == "size_zero"
        assert marker(everything)["reason"] == "no_query_text"

    def test_a_pipeline_named_in_the_request_and_one_inside_of_it(
        self, engine: Engine, sidecars: Sidecars
    ) -> None:
        expected = reranked(engine, sidecars, {"query": MATCH}, window=20)
        inline = {
            "request_processors": [{"jrerank_window": {"window": 20, "passage_fields": PASSAGE_FIELDS}}],
            "response_processors": [{"jrerank": {"endpoint": "main"}}],
        }
        engine.put("_search/pipeline/named", inline)
        assert_hits(engine.search({"query": MATCH}, search_pipeline="named"), expected[:10])
        assert_hits(engine.search({"query": MATCH, "search_pipeline": inline}), expected[:10])

    def test_within_a_point_in_time(self, engine: Engine, sidecars: Sidecars) -> None:
        pit = engine.post("docs/_search/point_in_time?keep_alive=1m")["pit_id"]
        body = {"query": MATCH, "pit": {"id": pit, "keep_alive": "1m"}}
        response = engine.search(body, index="", search_pipeline="rerank")
        assert_hits(response, reranked(engine, sidecars, {"query": MATCH})[:10])
        assert response["pit_id"] == pit

    def test_partly_scored_hits_come_first(self, engine: Engine, sidecars: Sidecars) -> None:
        sidecars.main.behave("partial")
        expected = reranked(engine, sidecars, {"query": MATCH})
        response = engine.search({"query": MATCH, "from": 45, "size": 10})
        assert ids(response) == [identifier for identifier, _ in expected[45:55]]
        assert marker(response) == marker(response) | {
            "outcome": "partial",
            "reason": "deadline",
            "reranked": 50,
        }

    def test_unread_hits_have_scores_below_those_of_all_others(
        self, engine: Engine, sidecars: Sidecars
    ) -> None:
        sidecars.main.behave("partial")
        response = engine.search({"query": MATCH, "size": 150})
        assert scores(response)[:50] == sorted(scores(response)[:50], reverse=True)
        assert all(score >= 0 for score in scores(response)[:50])
        unread = scores(response)[50:]
        assert all(-0.01 < score < 0 for score in unread)
        assert unread == sorted(set(unread), reverse=True)

    def test_unread_hits_may_keep_their_first_stage_score_or_be_cut(
        self, engine: Engine, sidecars: Sidecars
    ) -> None:
        sidecars.main.behave("partial")
        first = {
            hit["_id"]: hit["_score"] for hit in engine.plain({"query": MATCH, "size": 100})["hits"]["hits"]
        }
        kept = {"query": MATCH, "from": 50, "size": 50, "ext": {"jrerank": {"unread": "keep"}}}
        for hit in engine.search(kept)["hits"]["hits"]:
            assert hit["_score"] == first[hit["_id"]]
        engine.put_pipeline("cut", passage_fields=PASSAGE_FIELDS, endpoint="main", unread="cut")
        assert len(ids(engine.search({"query": MATCH, "size": 100}, search_pipeline="cut"))) == 50

    def test_a_minimum_score_counts_after_reranking(self, engine: Engine, sidecars: Sidecars) -> None:
        expected = [hit for hit in reranked(engine, sidecars, {"query": MATCH}) if hit[1] >= 0.3]
        assert 0 < len(expected) < 100
        response = engine.search({"query": MATCH, "size": 100, "ext": {"jrerank": {"min_score": 0.3}}})
        assert_hits(response, expected)
        sidecars.main.behave("status_500")
        response = engine.search({"query": MATCH, "size": 100, "ext": {"jrerank": {"min_score": 0.3}}})
        assert response["hits"] == engine.plain({"query": MATCH, "size": 100})["hits"]

    def test_a_search_may_say_its_own_window_and_fields(self, engine: Engine, sidecars: Sidecars) -> None:
        said = {
            "window": 7,
            "passage_fields": ["title"],
            "fusion": {"method": "rrf"},
            "max_tokens_per_doc": 64,
        }
        assert marker(engine.search({"query": MATCH, "ext": {"jrerank": said}}))["reranked"] == 7
        sent = sidecars.main.asked()["last"]["body"]
        assert (sent["fusion"], sent["max_tokens_per_doc"], len(sent["hits"])) == ({"method": "rrf"}, 64, 7)
        titles = [
            hit["_source"]["title"] for hit in engine.plain({"query": MATCH, "size": 7})["hits"]["hits"]
        ]
        assert [hit["text"] for hit in sent["hits"]] == titles

    def test_no_window_processor_reranks_the_page_within_itself(
        self, engine: Engine, sidecars: Sidecars
    ) -> None:
        engine.put_pipeline("page", window=None, passage_fields=PASSAGE_FIELDS, endpoint="main")
        plain = engine.plain({"query": MATCH, "from": 10})
        response = engine.search({"query": MATCH, "from": 10}, search_pipeline="page")
        assert sorted(ids(response)) == sorted(ids(plain))
        assert scores(response) == sorted(scores(response), reverse=True)

    def test_between_the_stock_oversample_and_truncate_hits(self, engine: Engine, sidecars: Sidecars) -> None:
        pipeline = {
            "request_processors": [{"oversample": {"sample_factor": 5}}],
            "response_processors": [
                {"jrerank": {"endpoint": "main", "passage_fields": PASSAGE_FIELDS, "hit_details": True}},
                {"truncate_hits": {}},
            ],
        }
        engine.put("_search/pipeline/stock", pipeline)
        response = engine.search({"query": MATCH, "size": 10}, search_pipeline="stock")
        assert_hits(response, reranked(engine, sidecars, {"query": MATCH}, window=50)[:10])
        details = response["hits"]["hits"][0]["fields"]["_jrerank"][0]
        assert details == details | {"outcome": "complete", "reason": None, "reranked": 50, "model": "fake"}


class TestTheRest:
    BODIES: ClassVar[dict[str, Json]] = {
        "aggregations": {
            "aggs": {"topics": {"terms": {"field": "topic"}, "aggs": {"n": {"max": {"field": "number"}}}}}
        },
        "highlight": {"highlight": {"fields": {"body": {}}}},
        "explain": {"explain": True},
        "version": {"version": True, "seq_no_primary_term": True},
        "exact totals": {"track_total_hits": True},
        "bounded totals": {"track_total_hits": 5},
        "no totals": {"track_total_hits": False},
        "fields": {"fields": ["number"], "docvalue_fields": ["topic"], "_source": False},
        "stored_fields": {"stored_fields": ["number"]},
        "named queries": {
            "query": {
                "bool": {
                    "must": [MATCH],
                    "should": [{"term": {"topic": {"value": "東大寺の仏像", "_name": "t"}}}],
                }
            }
        },
        "inner hits": {
            "query": {
                "bool": {
                    "must": [MATCH],
                    "should": [
                        {
                            "nested": {
                                "path": "parts",
                                "query": {"match": {"parts.text": QUERY}},
                                "inner_hits": {},
                            }
                        }
                    ],
                }
            }
        },
        "suggest": {"suggest": {"s": {"text": "大仏", "term": {"field": "body"}}}},
        "rescore": {"rescore": {"window_size": 30, "query": {"rescore_query": {"match": {"title": "大仏"}}}}},
        "post_filter": {"post_filter": {"range": {"number": {"lt": 900}}}},
        "min_score": {"min_score": 0.5},
        "no _source": {"_source": False},
        "part of _source": {"_source": ["topic", "number"]},
        "half of the passage": {"_source": ["title"]},
        "an exclude by wildcard": {"_source": {"excludes": ["bo*", "vector"]}},
        "includes and excludes": {"_source": {"includes": ["t*", "parts.*"], "excludes": ["title"]}},
    }

    @pytest.mark.parametrize("more", list(BODIES.values()), ids=list(BODIES))
    def test_is_untouched_and_the_order_right(self, engine: Engine, sidecars: Sidecars, more: Json) -> None:
        body = {"query": MATCH, **more}
        response = engine.search({**body, "from": 5, "size": 30})
        expected = reranked(engine, sidecars, body)
        assert_hits(response, expected[5:35])
        assert_rest_untouched(response, engine.plain({**body, "size": 300}))

    def test_collapse(self, engine: Engine, sidecars: Sidecars) -> None:
        inner = {"name": "more", "size": 2, "_source": ["number"]}
        body = {"query": MATCH, "collapse": {"field": "topic", "inner_hits": inner}}
        with engine.without_default_pipeline("docs"):  # it is put upon the inner hits' own searches as well
            expected = reranked(engine, sidecars, body, window=15)
            plain = engine.plain({**body, "size": 300})
        asked = sidecars.main.asked()["requests"]
        response = engine.search({**body, "size": 15})
        assert sidecars.main.asked()["requests"] == asked + 1
        assert_hits(response, expected[:15])
        assert_rest_untouched(response, plain)
        assert marker(response)["reason"] == "window_narrowed"
        topics = [hit["fields"]["topic"][0] for hit in response["hits"]["hits"]]
        assert len(set(topics)) == len(topics)

    def test_profile(self, engine: Engine) -> None:
        assert engine.search({"query": MATCH, "profile": True})["profile"]["shards"]
        assert "profile" not in engine.search({"query": MATCH})

    def test_scroll(self, engine: Engine) -> None:
        body = {"query": MATCH, "size": 30}
        plain = engine.plain(body, scroll="1m")
        response = engine.search(body, scroll="1m")
        assert sorted(ids(response)) == sorted(ids(plain))
        assert scores(response) == sorted(scores(response), reverse=True)
        assert marker(response)["outcome"] == "complete"
        second = [
            engine.post("_search/scroll", {"scroll_id": one["_scroll_id"]}) for one in (plain, response)
        ]
        assert second[1]["hits"] == second[0]["hits"]

    def test_a_scroll_that_filters_the_passage_leaks_nothing(self, engine: Engine) -> None:
        body = {"query": MATCH, "size": 30, "_source": ["number"]}
        response = engine.search(body, scroll="1m")
        assert marker(response)["reason"] == "passages_filtered"
        assert response["hits"] == engine.plain(body, scroll="1m")["hits"]

    def test_verbose_pipeline(self, engine: Engine, sidecars: Sidecars) -> None:
        response = engine.search({"query": MATCH}, verbose_pipeline="true", search_pipeline="rerank")
        assert_hits(response, reranked(engine, sidecars, {"query": MATCH})[:10])
        assert [one["processor_name"] for one in response["processor_results"]] == [
            "jrerank_window",
            "jrerank",
        ]


class TestPassthrough:
    BODIES: ClassVar[dict[str, tuple[Json, str]]] = {
        "size 0": ({"query": MATCH, "size": 0, "aggs": {"n": {"max": {"field": "number"}}}}, "size_zero"),
        "no hits": ({"query": {"match": {"body": "zzzz"}}}, "no_hits"),
        "sort": ({"query": MATCH, "sort": [{"number": "desc"}]}, "sort"),
        "search_after": (
            {"query": MATCH, "sort": ["_score", {"number": "asc"}], "search_after": [5.0, 3]},
            "search_after",
        ),
        "no text": ({"query": {"match_all": {}}}, "no_query_text"),
        "no body": ({}, "no_query_text"),
        "everything": ({"query": {"query_string": {"query": "*:*"}}}, "no_query_text"),
        "a keyword": ({"query": {"match": {"topic": "東大寺"}}}, "no_query_text"),
        "a filter": ({"query": {"bool": {"filter": [{"match": {"body": "大仏"}}]}}}, "no_query_text"),
        "beyond": ({"query": MATCH, "from": 100, "size": 10}, "beyond_window"),
        "switched off": ({"query": MATCH, "from": 5, "ext": {"jrerank": {"enabled": False}}}, "disabled"),
        "no ids": ({"query": MATCH, "stored_fields": "_none_", "_source": False}, "no_passages"),
    }

    @pytest.mark.parametrize(("body", "reason"), list(BODIES.values()), ids=list(BODIES))
    def test_is_said_and_changes_nothing(
        self, engine: Engine, sidecars: Sidecars, body: Json, reason: str
    ) -> None:
        asked = sidecars.main.asked()["requests"]
        response = engine.search(body)
        assert marker(response) == {
            "outcome": "passthrough",
            "reason": reason,
            "took_ms": 0,
            "reranked": 0,
            "model": None,
        }
        plain = engine.plain(body)
        assert response["hits"] == plain["hits"]
        assert response.get("aggregations") == plain.get("aggregations")
        assert sidecars.main.asked()["requests"] == asked

    def test_an_index_that_keeps_no_source(self, engine: Engine) -> None:
        settings = {"search.default_pipeline": "rerank"}
        mappings = {"_source": {"enabled": False}, "properties": {"body": {"type": "text"}}}
        self._recreate(engine, "sourceless", {"settings": {"index": settings}, "mappings": mappings})
        engine.bulk("sourceless", [{"id": "1", "body": "大仏"}])
        for body in (
            {"query": {"match": {"body": "大仏"}}},
            {"query": {"match": {"body": "大仏"}}, "_source": False},
        ):
            response = engine.search(body, "sourceless")
            assert ids(response) == ["1"]
            assert marker(response)["reason"] == "no_passages"

    def test_an_index_that_gives_less_than_the_window(self, engine: Engine) -> None:
        settings = {"search.default_pipeline": "rerank", "max_result_window": 20}
        self._recreate(engine, "narrow", {"settings": {"index": settings}})
        engine.bulk("narrow", [{"id": str(n), "title": "", "body": f"大仏{n}"} for n in range(30)])
        response = engine.search({"query": {"match": {"body": "大仏"}}, "size": 5}, "narrow")
        assert marker(response)["reranked"] == 20

    @staticmethod
    def _recreate(engine: Engine, index: str, body: Json) -> None:
        engine.http.delete(index)
        engine.put(index, body)


class TestLargeDocuments:
    """As many are fetched as fit into 32 MiB, in steps, and of an index that was never searched 25.

    They are fetched whole where that is known to be little more.
    """

    INDEX, PASSAGES, CHARS, FITTING = "large", 60, 700_000, 32
    BODY: ClassVar[Json] = {"query": {"match": {"title": "大仏"}}, "size": 5, "_source": False}

    @pytest.fixture
    def large(self, engine: Engine) -> Iterator[Engine]:
        engine.put_pipeline("large", WINDOW, PASSAGE_FIELDS, endpoint="main", timeout_ms=60_000)
        engine.http.delete(self.INDEX)
        properties = {"title": {"type": "text", "analyzer": "cjk"}, "body": {"type": "text", "index": False}}
        settings = {"search.default_pipeline": "large"}
        engine.put(self.INDEX, {"settings": {"index": settings}, "mappings": {"properties": properties}})
        for start in range(0, self.PASSAGES, 10):
            numbers = range(start, start + 10)
            engine.bulk(self.INDEX, [self._document(number) for number in numbers])
        yield engine
        engine.http.delete(self.INDEX)

    def _document(self, number: int) -> Json:
        some = " 鹿" if number % 6 == 0 else ""
        return {"id": str(number), "title": f"大仏{some}", "body": "x" * self.CHARS, "secret": "鹿"}

    def test_a_search_fetches_no_more_than_it_can_afford(self, large: Engine) -> None:
        before = large.stats()["searches"]["reasons"].get("window_narrowed", 0)
        open_source = {**self.BODY, "_source": True}
        first, whole, then = (large.search(body, self.INDEX) for body in (self.BODY, open_source, self.BODY))
        assert (marker(first)["outcome"], marker(first)["reason"]) == ("partial", "window_narrowed")
        assert marker(first)["reranked"] == 25
        assert marker(whole)["reranked"] == 25, "of whole documents nothing is known yet"
        assert not any("_source" in hit for hit in then["hits"]["hits"])
        assert (marker(then)["reason"], marker(then)["reranked"]) == ("window_narrowed", self.FITTING)
        assert len(then["hits"]["hits"]) == 5
        assert then["hits"]["total"]["value"] == self.PASSAGES
        assert large.stats()["searches"]["reasons"]["window_narrowed"] == before + 3
        self._assert_shown(large)
        self._assert_pages(large)
        self._assert_complete(large)
        self._assert_made_again(large)

    def _assert_shown(self, large: Engine) -> None:
        """What the caller asked for, though documents are fetched whole, once it is known what these parts cost."""
        for asked, shown in (
            ({"excludes": ["secret"]}, {"title", "body"}),
            (["title", "body"], {"title", "body"}),
            (["title"], {"title"}),
        ):
            for _ in range(2):
                answer = large.search({**self.BODY, "_source": asked}, self.INDEX)
                assert [set(hit["_source"]) for hit in answer["hits"]["hits"]] == [shown] * 5

    def _assert_pages(self, large: Engine) -> None:
        """They fit together, and the caller's own page is never cut."""
        pages = [large.search({**self.BODY, "from": start, "size": 10}, self.INDEX) for start in (0, 20, 40)]
        assert [marker(page)["reranked"] for page in pages] == [self.FITTING, self.FITTING, 0]
        assert [marker(page)["reason"] for page in pages] == ["window_narrowed"] * 3
        ids = [hit["_id"] for page in pages for hit in page["hits"]["hits"]]
        assert len(ids) == len(set(ids)) == 30
        assert [len(page["hits"]["hits"]) for page in pages] == [10, 10, 10]
        assert marker(large.search({**self.BODY, "size": 55}, self.INDEX))["reranked"] == 55

    def _assert_complete(self, large: Engine) -> None:
        """Where all that was found fits."""
        answer = large.search({**self.BODY, "query": {"match": {"title": "鹿"}}}, self.INDEX)
        assert marker(answer) == marker(answer) | {"outcome": "complete", "reason": None, "reranked": 10}

    def _assert_made_again(self, large: Engine) -> None:
        """An index of the same name, of which nothing is known."""
        large.http.delete(self.INDEX)
        large.put(self.INDEX, {"settings": {"index": {"search.default_pipeline": "large"}}})
        large.bulk(self.INDEX, [{"id": str(number), "title": "大仏", "body": ""} for number in range(40)])
        first, then = (large.search(self.BODY, self.INDEX) for _ in range(2))
        assert [marker(answer)["reranked"] for answer in (first, then)] == [25, 40]


class TestProcessorsInOnePipeline:
    """What is there twice is used once, and the caller's page is the caller's."""

    WINDOW: ClassVar[Json] = {"jrerank_window": {"window": 50, "passage_fields": PASSAGE_FIELDS}}
    RERANK: ClassVar[Json] = {"jrerank": {"endpoint": "main"}}
    PIPELINES: ClassVar[dict[str, Json]] = {
        "jrerank twice": {"request_processors": [WINDOW], "response_processors": [RERANK, RERANK]},
        "two windows": {
            "request_processors": [WINDOW, {"jrerank_window": {"window": 20, "passage_fields": ["title"]}}],
            "response_processors": [RERANK],
        },
    }

    @pytest.mark.parametrize("pipeline", list(PIPELINES.values()), ids=list(PIPELINES))
    def test_twice(self, engine: Engine, sidecars: Sidecars, pipeline: Json) -> None:
        engine.put("_search/pipeline/twice", pipeline)
        expected = reranked(engine, sidecars, {"query": MATCH}, window=50)
        asked = sidecars.main.asked()["requests"]
        body = {"query": MATCH, "from": 3, "size": 5, "_source": ["number"]}
        response = engine.search(body, search_pipeline="twice")
        assert_hits(response, expected[3:8])
        assert all(list(hit["_source"]) == ["number"] for hit in response["hits"]["hits"])
        assert sidecars.main.asked()["requests"] == asked + 1

    def test_a_window_whose_page_nobody_cuts_is_refused(self, engine: Engine) -> None:
        lone = {"request_processors": [self.WINDOW]}
        refused = engine.http.put("_search/pipeline/lone", json=lone)
        assert refused.status_code == 400
        assert "put jrerank among the response_processors" in refused.text
        inline = engine.http.post("docs/_search", json={"query": MATCH, "search_pipeline": lone})
        assert inline.status_code == 400

    def test_a_template_query(self, engine: Engine) -> None:
        body = {"query": {"template": {"match": {"body": QUERY}}}}
        plain = engine.plain({"query": {"match": {"body": QUERY}}, "size": 100})
        response = engine.search(body)
        assert marker(response)["outcome"] == "complete"
        assert set(ids(response)) <= set(ids(plain))


class TestGroupSearches:
    """The searches that fill the inner hits of a collapsed one are no search of anybody's."""

    BODY: ClassVar[Json] = {
        "query": MATCH,
        "size": 10,
        "collapse": {"field": "topic", "inner_hits": {"name": "more", "size": 3, "_source": ["number"]}},
    }

    def requests(self, engine: Engine, sidecars: Sidecars, **parameters: str) -> int:
        before: int = sidecars.main.asked()["requests"]
        engine.search(self.BODY, **parameters)
        after: int = sidecars.main.asked()["requests"]
        return after - before

    def test_no_pipeline_means_none(self, engine: Engine, sidecars: Sidecars) -> None:
        assert self.requests(engine, sidecars, search_pipeline="_none") == 0

    def test_another_pipeline_asks_once(self, engine: Engine, sidecars: Sidecars) -> None:
        engine.put_pipeline("other", passage_fields=PASSAGE_FIELDS, endpoint="main")
        engine.put_pipeline("page", window=None, passage_fields=PASSAGE_FIELDS, endpoint="main")
        assert self.requests(engine, sidecars, search_pipeline="other") == 1
        assert self.requests(engine, sidecars, search_pipeline="page") == 1

    def test_inner_hits_are_the_engines(self, engine: Engine) -> None:
        with engine.without_default_pipeline("docs"):
            plain = engine.plain({**self.BODY, "size": 300})
        whole = {hit["_id"]: hit["inner_hits"] for hit in plain["hits"]["hits"]}
        for hit in engine.search(self.BODY)["hits"]["hits"]:
            assert hit["inner_hits"] == whole[hit["_id"]]

    def test_a_search_has_no_more_of_them_than_without_reranking(self, engine: Engine) -> None:
        """Each page is reranked within itself, with the passages that its caller does not see."""
        for start, read in ((0, 10), (10, 10), (20, 5)):
            body = {
                **self.BODY,
                "from": start,
                "_source": ["number"],
                "ext": {"jrerank": {"hit_details": True, "window": 25}},
            }
            before = self._searches_of_shards(engine)
            plain = engine.plain(body)
            between = self._searches_of_shards(engine)
            response = engine.search(body)
            assert self._searches_of_shards(engine) - between == between - before > 30
            hits = response["hits"]["hits"]
            assert sorted(ids(response)) == sorted(ids(plain))
            assert marker(response) == marker(response) | {
                "outcome": "partial",
                "reason": "window_narrowed",
                "reranked": read,
            }
            assert all(list(hit["_source"]) == ["number"] for hit in hits)
            ranks = {hit["_id"]: hit["fields"]["_jrerank"][0]["first_rank"] for hit in hits}
            assert [ranks[identifier] for identifier in ids(plain)] == list(range(start + 1, start + 11))

    def _searches_of_shards(self, engine: Engine) -> int:
        stats = engine.http.get("docs/_stats/search").json()
        total: int = stats["_all"]["total"]["search"]["query_total"]
        return total

    def test_a_page_with_all_groups_is_complete(self, engine: Engine) -> None:
        some = {"bool": {"should": [MATCH], "filter": [{"range": {"number": {"lt": 9}}}]}}
        body = {**self.BODY, "query": some}
        assert 0 < len(engine.plain(body)["hits"]["hits"]) < 10
        assert marker(engine.search(body))["outcome"] == "complete"

    def test_the_next_search_of_an_msearch_is_none_of_them(self, engine: Engine) -> None:
        looks_like_one = {
            "query": {"bool": {"must": [MATCH], "filter": [{"match": {"topic": "東大寺の仏像"}}]}}
        }
        bodies = [self.BODY, {"query": MATCH}, looks_like_one]
        for answer in engine.msearch(bodies, max_concurrent_searches=1):
            assert marker(answer)["reason"] in {None, "no_hits", "window_narrowed"}


class TestQueryText:
    CASES: ClassVar[dict[str, tuple[Json, Json, str]]] = {
        "found in the query": ({}, {"query": {"bool": {"should": [{"match": {"body": "大仏"}}]}}}, "大仏"),
        "the caller's own": ({}, {"query": MATCH, "ext": {"jrerank": {"query": "鹿"}}}, "鹿"),
        "at a path": (
            {"query_text_path": "query.bool.must.1.match.body.query"},
            {"query": {"bool": {"must": [{"match": {"title": "仏像"}}, {"match": {"body": "大仏"}}]}}},
            "大仏",
        ),
        "not a filter's": (
            {},
            {
                "query": {
                    "bool": {
                        "must": [MATCH],
                        "filter": [
                            {
                                "match": {
                                    "body": "日本の首都と世界の都市を比べた本はこの中のどこにあると言われたか"
                                }
                            }
                        ],
                    }
                }
            },
            QUERY,
        ),
        "on the passage, not on a keyword": (
            {},
            {
                "query": {
                    "bool": {
                        "should": [{"match": {"topic": "日本の首都について"}}, {"match": {"body": "大仏"}}]
                    }
                }
            },
            "大仏",
        ),
        "without operators": ({}, {"query": {"query_string": {"query": "+大仏 -topic:奈良 -首都"}}}, "大仏"),
        "the path leads nowhere": ({"query_text_path": "query.match.body.query"}, {"query": MATCH}, QUERY),
        "with marks of all kinds": (
            {},
            {"query": {"match": {"body": '大"仏\\\n😀\u2028'}}},
            '大"仏\\\n😀\u2028',
        ),
    }

    @pytest.mark.parametrize(("options", "body", "text"), list(CASES.values()), ids=list(CASES))
    def test_arrives(self, engine: Engine, sidecars: Sidecars, options: Json, body: Json, text: str) -> None:
        engine.put_pipeline("text", passage_fields=PASSAGE_FIELDS, endpoint="main", **options)
        engine.search(body, search_pipeline="text")
        assert sidecars.main.asked()["last"]["body"]["query"] == text


class TestTheWire:
    def test_what_the_sidecar_is_sent(self, engine: Engine, sidecars: Sidecars) -> None:
        fusion = {"method": "linear", "weight": 0.1}
        options: dict[str, Any] = {"fusion": fusion, "max_tokens_per_doc": 512, "timeout_ms": 1000}
        engine.put_pipeline("wire", window=5, passage_fields=PASSAGE_FIELDS, endpoint="main", **options)
        traced = {
            "x-opaque-id": "search-1",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        }
        engine.http.headers.update(traced)
        engine.search({"query": MATCH, "_source": False}, search_pipeline="wire")
        for name in traced:
            del engine.http.headers[name]
        plain = engine.plain({"query": MATCH, "size": 5})["hits"]["hits"]
        last = sidecars.main.asked()["last"]
        told_ms = last["body"].pop("timeout_ms")
        assert 800 <= told_ms <= 900
        assert last["body"] == {
            "query": QUERY,
            "store": None,
            "fusion": fusion,
            "max_tokens_per_doc": 512,
            "hits": [
                {"id": hit["_id"], "text": passage(hit["_source"]), "score": pytest.approx(hit["_score"])}
                for hit in plain
            ],
        }
        assert last["headers"]["x-request-id"] == "search-1"
        assert last["headers"]["traceparent"] == traced["traceparent"]
        assert "authorization" not in last["headers"]

    def test_ids_only_where_a_store_has_the_text(self, engine: Engine, sidecars: Sidecars) -> None:
        first = engine.plain({"query": MATCH, "size": 100})["hits"]["hits"]
        sidecars.main.behave("ok", texts={hit["_id"]: passage(hit["_source"]) for hit in first})
        engine.put_pipeline("ids", endpoint="main", store="docs")
        response = engine.search({"query": MATCH, "_source": ["number"]}, search_pipeline="ids")
        assert_hits(response, reranked(engine, sidecars, {"query": MATCH})[:10])
        assert {hit["text"] for hit in sidecars.main.asked()["last"]["body"]["hits"]} <= {
            None,
            *map(passage, (h["_source"] for h in first)),
        }

    def test_the_key_comes_from_the_keystore(self, engine: Engine, sidecars: Sidecars) -> None:
        engine.put_pipeline("keyed", passage_fields=PASSAGE_FIELDS, endpoint="keyed")
        assert marker(engine.search({"query": MATCH}, search_pipeline="keyed"))["outcome"] == "complete"
        assert sidecars.main.asked()["last"]["headers"]["authorization"] == f"Bearer {API_KEY}"
        assert API_KEY not in engine.http.get("_nodes/settings").text

    def test_a_key_rotated_in_the_keystore_counts_once_it_is_reloaded(
        self, engine: Engine, sidecars: Sidecars, node: Node
    ) -> None:
        engine.put_pipeline("keyed", passage_fields=PASSAGE_FIELDS, endpoint="keyed")
        for key in ("rotated", API_KEY):
            node.replace_secrets({"jrerank.endpoint.keyed.api_key": key})
            engine.post("_nodes/reload_secure_settings")
            engine.search({"query": MATCH}, search_pipeline="keyed")
            assert sidecars.main.asked()["last"]["headers"]["authorization"] == f"Bearer {key}"

    def test_a_key_that_no_header_holds_is_told_and_not_shown(
        self, engine: Engine, sidecars: Sidecars, node: Node
    ) -> None:
        name = "jrerank.endpoint.keyed.api_key"
        engine.put_pipeline("keyed", passage_fields=PASSAGE_FIELDS, endpoint="keyed")
        node.replace_secrets({name: "s3cret\u200b"})
        told = engine.post("_nodes/reload_secure_settings")
        engine.search({"query": MATCH}, search_pipeline="keyed")
        node.replace_secrets({name: API_KEY})
        (reloaded,) = engine.post("_nodes/reload_secure_settings")["nodes"].values()
        assert "reload_exception" not in reloaded
        assert f"[{name}]" in str(told)
        assert "s3cret" not in str(told) + node.log.read_text(encoding="utf-8")
        assert sidecars.main.asked()["last"]["headers"]["authorization"] == f"Bearer {API_KEY}"

    def test_addresses_change_though_the_file_of_authorities_is_gone(
        self, engine: Engine, sidecars: Sidecars, node: Node
    ) -> None:
        name = "jrerank.endpoint.tls.urls"
        pem = node.home / "config" / "sidecar-ca.pem"
        authorities = pem.read_bytes()
        pem.unlink()
        try:
            engine.put("_cluster/settings", {"persistent": {name: [f"{sidecars.tls.url}/"]}})
            engine.put_pipeline("tls", passage_fields=PASSAGE_FIELDS, endpoint="tls", timeout_ms=5000)
            assert marker(engine.search({"query": MATCH}, search_pipeline="tls"))["reason"] is None
        finally:
            pem.write_bytes(authorities)
            engine.put("_cluster/settings", {"persistent": {name: None}})

    def test_tls_with_its_own_authority_and_without(self, engine: Engine) -> None:
        for endpoint, reason in (("tls", None), ("untrusted", "tls_error")):
            engine.put_pipeline(endpoint, passage_fields=PASSAGE_FIELDS, endpoint=endpoint, timeout_ms=5000)
            assert marker(engine.search({"query": MATCH}, search_pipeline=endpoint))["reason"] == reason

    def test_addresses_change_without_a_restart(self, engine: Engine, sidecars: Sidecars) -> None:
        name = "jrerank.endpoint.moving.urls"
        for fake in (sidecars.second, sidecars.third):
            engine.put("_cluster/settings", {"persistent": {name: [fake.url]}})
            engine.put_pipeline("moving", passage_fields=PASSAGE_FIELDS, endpoint="moving")
            before = fake.asked()["requests"]
            assert marker(engine.search({"query": MATCH}, search_pipeline="moving"))["reason"] is None
            assert fake.asked()["requests"] == before + 1
        engine.put("_cluster/settings", {"persistent": {name: None}})
        assert (
            marker(engine.search({"query": MATCH}, search_pipeline="moving"))["reason"] == "unknown_endpoint"
        )

    def test_several_sidecars_take_turns(self, engine: Engine, sidecars: Sidecars) -> None:
        engine.put_pipeline("pair", passage_fields=PASSAGE_FIELDS, endpoint="pair")
        before = [fake.asked()["requests"] for fake in (sidecars.second, sidecars.third)]
        for _ in range(10):
            engine.search({"query": MATCH}, search_pipeline="pair")
        after = [fake.asked()["requests"] for fake in (sidecars.second, sidecars.third)]
        assert [new - old for old, new in zip(before, after, strict=True)] == [5, 5]

    def test_a_search_may_shorten_its_time(self, engine: Engine, sidecars: Sidecars) -> None:
        for asked_ms, at_most_ms in ((100, 95), (5000, 270)):
            engine.search({"query": MATCH, "ext": {"jrerank": {"timeout_ms": asked_ms}}})
            assert sidecars.main.asked()["last"]["body"]["timeout_ms"] <= at_most_ms


class TestHitDetails:
    def test_on_each_hit_on_request(self, engine: Engine) -> None:
        plain = engine.plain({"query": MATCH, "size": 100})["hits"]["hits"]
        ranks = {hit["_id"]: (rank, hit["_score"]) for rank, hit in enumerate(plain, 1)}
        response = engine.search({"query": MATCH, "from": 10, "ext": {"jrerank": {"hit_details": True}}})
        for hit in response["hits"]["hits"]:
            details = hit["fields"]["_jrerank"][0]
            assert (details["first_rank"], details["first_score"]) == ranks[hit["_id"]]
            assert details["scored"]
            assert details == details | marker(response)

    def test_none_otherwise(self, engine: Engine) -> None:
        assert all("fields" not in hit for hit in engine.search({"query": MATCH})["hits"]["hits"])


class TestRefusals:
    PIPELINES: ClassVar[dict[str, Json]] = {
        "an endpoint that no setting names": {"endpoint": "elsewhere"},
        "a URL": {"endpoint": "http://127.0.0.1:9"},
        "no endpoint": {},
        "an unknown key": {"endpoint": "main", "bogus": 1},
        "no time": {"endpoint": "main", "timeout_ms": 0},
        "an unknown word": {"endpoint": "main", "on_failure": "ignore"},
        "a field that is none": {"endpoint": "main", "passage_fields": [1]},
        "a pattern of fields": {"endpoint": "main", "passage_fields": ["*"]},
    }

    @pytest.mark.parametrize("options", list(PIPELINES.values()), ids=list(PIPELINES))
    def test_of_a_pipeline(self, engine: Engine, options: Json) -> None:
        pipeline = {"response_processors": [{"jrerank": options}]}
        assert engine.http.put("_search/pipeline/bad", json=pipeline).status_code == 400

    def test_of_a_request_with_a_typo(self, engine: Engine) -> None:
        body = {"query": MATCH, "ext": {"jrerank": {"querry": "x"}}}
        assert engine.http.post("docs/_search", json=body).status_code == 400


def test_stats_count_by_endpoint(engine: Engine) -> None:
    before = engine.stats()
    engine.search({"query": MATCH})
    engine.search({"query": MATCH, "size": 0})
    after = engine.stats()
    assert after["searches"]["outcomes"]["complete"] == before["searches"]["outcomes"]["complete"] + 1
    assert after["searches"]["reasons"]["size_zero"] == before["searches"]["reasons"].get("size_zero", 0) + 1
    old, new = before["endpoints"]["main"][0], after["endpoints"]["main"][0]
    assert new["counts"]["answers"] == old["counts"]["answers"] + 1
    assert new["circuit"] == "closed"
    assert new["failures_in_a_row"] <= old["failures_in_a_row"]  # those of another kind of work stay
    assert new["answered_ms"]["count"] >= old["answered_ms"]["count"] + 1
    took = [stats["searches"]["took_ms"]["complete"] for stats in (before, after)]
    assert took[1]["count"] == took[0]["count"] + 1
    assert took[1]["sum_ms"] >= took[0]["sum_ms"]


def test_metrics_are_in_the_form_of_prometheus(engine: Engine) -> None:
    engine.search({"query": MATCH})
    response = engine.http.get("_plugins/_jrerank/_local/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    metrics = {metric.name: metric for metric in text_string_to_metric_families(response.text)}
    assert {name: metric.type for name, metric in metrics.items()} == {
        "jrerank_plugin_failed_nodes": "gauge",
        "jrerank_plugin_searches": "counter",
        "jrerank_plugin_reasons": "counter",
        "jrerank_plugin_search_seconds": "histogram",
        "jrerank_plugin_circuit_open": "gauge",
        "jrerank_plugin_circuits_open_for_some": "gauge",
        "jrerank_plugin_sidecar_events": "counter",
        "jrerank_plugin_sidecar_seconds": "histogram",
    }
    outcomes = engine.stats()["searches"]["outcomes"]
    samples = metrics["jrerank_plugin_searches"].samples
    assert {sample.labels["outcome"]: sample.value for sample in samples} == outcomes
