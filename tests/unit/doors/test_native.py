"""The native shape, as any door reads and writes it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.domain import Candidate, Fusion, Outcome, RankedHit, Ranking
from jrerank.doors.bodies import OpenBodies, Share
from jrerank.doors.intake import Caller, Intake, Limits, scoring_deadline
from jrerank.doors.native import HitsBody, hits_answer, hits_body, json_of, shown
from jrerank.errors import InputTooLong, InvalidInput

INTAKE = Intake(Limits(body_bytes=1000, documents=3, query_chars=5, passage_chars=4), timeout_ms=1000)
CALLER = Caller("caller", arrival=50.0)


def body(**changes: Any) -> HitsBody:
    return HitsBody.model_validate(
        {"query": "空", "hits": [{"id": "a", "text": "晴れ", "score": 1}]} | changes
    )


def test_hits_become_candidates_in_their_order() -> None:
    hits = [{"id": "a", "text": "晴れ", "score": 2}, {"id": "a"}, {"id": "", "text": None, "more": 1}]
    request = body(hits=hits, store="docs", top_n=2).to_request(INTAKE, CALLER)
    assert request.candidates == (Candidate("a", "晴れ", 2.0), Candidate("a"), Candidate(""))
    assert (request.store, request.top_n, request.caller) == ("docs", 2, "caller")


def test_a_hit_may_have_several_texts() -> None:
    hits = [{"id": "a", "texts": ["晴れ", "雨"]}]
    request = body(hits=hits).to_request(INTAKE, CALLER)
    assert request.candidates == (Candidate("a", "晴れ", others=("雨",)),)
    ranking = Ranking((RankedHit("a", 0, 0.9, 2.2, None, best=1),), Outcome.COMPLETE)
    shape: Any = hits_answer(ranking, "m", 0.0)
    assert shape["hits"][0]["best_text"] == 1


@pytest.mark.parametrize(
    ("hits", "field"),
    [
        ([{"id": "a", "texts": ["1", "12345"]}], "hits.0"),
        ([{"id": "a", "texts": ["1", "2", "3", "4"]}], "hits"),
        ([{"id": "a", "texts": []}], "hits.0.texts"),
        ([{"id": "a", "text": "1", "texts": ["2"]}], "hits.0"),
    ],
)
def test_several_texts_have_the_limits_of_one(hits: list[Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        hits_body({"query": "空", "hits": hits}, INTAKE.limits).to_request(INTAKE, CALLER)
    assert caught.value.field == field


def test_the_timeout_is_the_requests_own() -> None:
    request = body(timeout_ms=300).to_request(INTAKE, CALLER)
    assert request.deadline == scoring_deadline(50.0, 300, 1)


@pytest.mark.parametrize(
    ("sent", "fusion"),
    [
        (None, None),
        ({"method": "linear"}, Fusion("linear", weight=1.0)),
        ({"method": "linear", "weight": 0.1}, Fusion("linear", weight=0.1)),
        ({"method": "rrf", "rank_constant": 10}, Fusion("rrf", rank_constant=10)),
    ],
)
def test_both_fusions_have_their_option(sent: dict[str, Any] | None, fusion: Fusion | None) -> None:
    assert body(fusion=sent).to_request(INTAKE, CALLER).fusion == fusion


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"query": "123456"}, "query"),
        ({"hits": [{"id": "a"}, {"id": "b", "text": "12345"}]}, "hits.1"),
        ({"hits": [{"id": "a"}] * 4}, "hits"),
    ],
)
def test_beyond_the_limits_it_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InputTooLong) as caught:
        body(**changes).to_request(INTAKE, CALLER)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ('{"query": 5, "hits": []}', "query"),
        ('{"query": "a"}', "hits"),
        ('{"query": "a", "hits": [{"id": 1}]}', "hits.0.id"),
        ('{"query": "a", "hits": [], "timeout_ms": 0}', "timeout_ms"),
        ('{"query": "a", "hits": [], "top_n": 0}', "top_n"),
        ('{"query": "a", "hits": [], "fusion": {"method": "max"}}', "fusion"),
        ('{"query": "a", "hits": [], "fusion": {"method": "linear", "weight": -1}}', "fusion.linear.weight"),
        ('{"query": "a", "hits": [{"id": "1", "score": 1e999}]}', "hits.0.score"),
        ("{", None),
    ],
)
def test_what_came_another_way_than_http_is_checked_the_same(raw: str, field: str | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        hits_body(json_of(raw.encode(), Share(OpenBodies(10_000))), INTAKE.limits)
    assert caught.value.field == field
    assert (field or "JSON") in str(caught.value)


def test_an_answer_tells_old_and_new_places() -> None:
    hits = (RankedHit("b", 1, 0.9, 2.2, 7.0, truncated=True), RankedHit("a", 0, None, None, None))
    ranking = Ranking(hits, Outcome.PARTIAL, "missing_passages", tokens=12, missing=("a",))
    content: Any = hits_answer(ranking, "bundled", 0.0)
    assert (content["outcome"], content["reason"], content["missing"]) == (
        "partial",
        "missing_passages",
        ["a"],
    )
    assert content["usage"] == {"total_tokens": 12}
    assert content["hits"] == [
        {
            "id": "b",
            "score": 0.9,
            "rank": 1,
            "first_rank": 2,
            "first_score": 7.0,
            "scored": True,
            "truncated": True,
        },
        {
            "id": "a",
            "score": None,
            "rank": 2,
            "first_rank": 1,
            "first_score": None,
            "scored": False,
            "truncated": False,
        },
    ]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_score_has_at_most_eight_digits_and_is_never_an_integer(score: float) -> None:
    literal = json.dumps(shown(score))
    assert re.fullmatch(r"-?(\d+\.\d+(e[+-]\d+)?|\d+e[+-]\d+)", literal)
    assert len(re.sub(r"e.*|\D", "", literal).strip("0")) <= 8


@given(st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_rounding_never_turns_two_scores_round(scores: list[float]) -> None:
    low, high = sorted(scores)
    assert shown(low) <= shown(high)
