from typing import Any

import pytest

from jrerank.doors.search.merge import Answer, Ranked
from jrerank.doors.search.options import SearchBody
from jrerank.doors.search.plan import make_plan
from jrerank.doors.search.reply import reply
from jrerank.stores.search import IndexLimits

RESPONSE: dict[str, Any] = {
    "took": 3,
    "timed_out": False,
    "hits": {
        "total": {"value": 3, "relation": "eq"},
        "max_score": 3.0,
        "hits": [
            {
                "_index": "docs",
                "_id": f"{n}",
                "_score": 3.0 - n,
                "_source": {"title": f"t{n}", "body": f"b{n}"},
            }
            for n in range(3)
        ],
    },
    "aggregations": {"n": {"value": 3}},
    "ext": {"other": 1},
}
ANSWER = Answer("complete", None, "m", (Ranked(1, 0.75, True), Ranked(0, 0.5, True)))
PASSED = Answer("passthrough", "deadline")


def replied(answer: Answer = ANSWER, **body: Any) -> dict[str, Any]:
    search = SearchBody.model_validate({"query": {"match": {"body": "大仏"}}, **body})
    return reply(RESPONSE, make_plan(search, ("title", "body"), IndexLimits()), answer, 7)


def ids(response: dict[str, Any]) -> list[str]:
    return [hit["_id"] for hit in response["hits"]["hits"]]


def test_the_window_is_reordered_and_the_rest_stays_behind_it() -> None:
    response = replied()
    assert [(hit["_id"], hit["_score"]) for hit in response["hits"]["hits"]] == [
        ("1", 0.75),
        ("0", 0.5),
        ("2", pytest.approx(-0.01 / 101)),
    ]
    assert response["hits"]["max_score"] == 0.75


@pytest.mark.parametrize(
    ("passage_from", "best", "expected"),
    [("fields", 0, "none"), ("values", 0, "t1\nb1"), ("values", 7, None), ("highlight", 0, "t1\nb1")],
)
def test_the_best_passage_is_shown_where_it_is_not_all_fields(
    passage_from: str, best: int, expected: str | None
) -> None:
    answer = Answer("complete", None, "m", (Ranked(1, 0.75, True, best), Ranked(0, 0.5, False)))
    response = replied(answer, rerank={"passage_from": passage_from, "hit_details": True})
    first, second = (hit["fields"]["_jrerank"][0] for hit in response["hits"]["hits"][:2])
    assert first.get("best_passage", "none") == expected
    assert "best_passage" not in second


def test_what_is_not_about_the_order_is_untouched() -> None:
    response = replied()
    for key in ("took", "timed_out", "aggregations"):
        assert response[key] == RESPONSE[key]
    assert response["hits"]["total"] == RESPONSE["hits"]["total"]
    assert response["ext"]["other"] == 1


def test_the_marker() -> None:
    marker = {"outcome": "complete", "reason": None, "took_ms": 7, "reranked": 2, "model": "m"}
    assert replied()["ext"]["jrerank"] == marker


def test_the_page_is_cut_whatever_became_of_the_search() -> None:
    page: dict[str, Any] = {"from": 1, "size": 1}
    assert ids(replied(**page)) == ["0"]
    passed = replied(PASSED, **page)
    assert ids(passed) == ["1"]
    assert passed["hits"]["max_score"] == 3.0
    assert passed["ext"]["jrerank"]["reason"] == "deadline"


def test_a_search_that_was_not_widened_has_its_page_already() -> None:
    assert ids(replied(Answer("passthrough", "disabled"), rerank={"enabled": False}, **{"from": 1})) == [
        "0",
        "1",
        "2",
    ]


def test_the_caller_sees_no_more_of_a_document_than_was_asked_for() -> None:
    assert [hit["_source"] for hit in replied(_source=["title"])["hits"]["hits"]] == [
        {"title": "t1"},
        {"title": "t0"},
        {"title": "t2"},
    ]
    assert all("_source" not in hit for hit in replied(_source=False)["hits"]["hits"])
    assert RESPONSE["hits"]["hits"][0]["_source"] == {"title": "t0", "body": "b0"}


def test_details_on_request() -> None:
    hits = replied(rerank={"hit_details": True})["hits"]["hits"]
    (details,) = hits[0]["fields"]["_jrerank"]
    assert details == details | {"scored": True, "first_score": 2.0, "first_rank": 2, "outcome": "complete"}
    passed = replied(
        Answer("passthrough", "disabled"), rerank={"enabled": False, "hit_details": True}, **{"from": 5}
    )
    assert [hit["fields"]["_jrerank"][0]["first_rank"] for hit in passed["hits"]["hits"]] == [6, 7, 8]


def test_a_response_without_hits_is_answered_too() -> None:
    search = SearchBody.model_validate({"size": 0})
    plan = make_plan(search, (), IndexLimits())
    assert (
        reply({"took": 1}, plan, Answer("passthrough", plan.reason), 0)["ext"]["jrerank"]["reason"]
        == "size_zero"
    )


def test_what_was_not_read_may_keep_its_score_or_be_cut() -> None:
    kept = replied(rerank={"unread": "keep"})["hits"]["hits"]
    assert [hit["_score"] for hit in kept] == [0.75, 0.5, 1.0]
    assert ids(replied(rerank={"unread": "cut"})) == ["1", "0"]


def test_a_minimum_may_leave_nothing() -> None:
    assert ids(replied(rerank={"min_score": 0.6})) == ["1"]
    empty = replied(ext={"jrerank": {"min_score": 0.9}})["hits"]
    assert (empty["hits"], empty["max_score"], empty["total"]["value"]) == ([], None, 3)
