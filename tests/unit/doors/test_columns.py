"""The native shape by columns, as any door reads and writes it."""

from __future__ import annotations

from typing import Any

import pytest

from jrerank.domain import Candidate, Outcome, RankedHit, Ranking
from jrerank.doors.columns import ColumnsBody, columns_answer, columns_body, least_of
from jrerank.doors.intake import Caller, Intake, Limits, scoring_deadline
from jrerank.doors.native import hits_answer
from jrerank.errors import InputTooLong, InvalidInput

INTAKE = Intake(Limits(body_bytes=1000, documents=4, query_chars=5, passage_chars=4), timeout_ms=1000)
CALLER = Caller("caller", arrival=50.0)


def body(**changes: Any) -> ColumnsBody:
    return columns_body({"queries": ["空"], "texts": ["晴れ", "雨"]} | changes, INTAKE.limits)


def test_each_query_has_all_passages_and_the_deadline_is_one() -> None:
    requests = body(queries=["空", "海"], top_n=1, timeout_ms=300).to_requests(INTAKE, CALLER)
    assert [request.query for request in requests] == ["空", "海"]
    assert {request.candidates for request in requests} == {(Candidate("1", "晴れ"), Candidate("2", "雨"))}
    assert {(request.top_n, request.deadline) for request in requests} == {
        (1, scoring_deadline(50.0, 300, 4))
    }


def test_ids_of_a_store_and_scores() -> None:
    [request] = body(texts=None, ids=["a", "b"], scores=[None, 2], store="docs").to_requests(INTAKE, CALLER)
    assert request.candidates == (Candidate("a"), Candidate("b", score=2.0))
    assert request.store == "docs"


def test_nothing_to_rank() -> None:
    [request] = body(texts=[]).to_requests(INTAKE, CALLER)
    assert request.candidates == ()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"queries": []}, "queries"),
        ({"texts": None}, "texts"),
        ({"texts": ["空", None]}, "texts.1"),
        ({"scores": [1.0]}, "texts, scores"),
        ({"scores": [1.0, float("inf")]}, "scores.1"),
        ({"ids": ["a"], "texts": None, "scores": []}, "ids, scores"),
        ({"timeout_ms": 0}, "timeout_ms"),
    ],
)
def test_a_column_that_is_wrong_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        body(**changes)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"queries": ["123456"]}, "queries"),
        ({"texts": ["a", "12345"]}, "texts.1"),
        ({"queries": ["a", "b", "c"]}, "queries"),
        ({"queries": ["a"] * 5, "texts": []}, "queries"),
        ({"scores": [1.0] * 5}, "scores"),
    ],
)
def test_beyond_the_limits_it_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InputTooLong) as caught:
        body(**changes).to_requests(INTAKE, CALLER)
    assert caught.value.field == field


def test_a_score_that_fusion_lacks_is_named_where_it_belongs() -> None:
    fused = body(scores=[1.0, None], fusion={"method": "linear", "weight": 0.5})
    with pytest.raises(InvalidInput) as caught:
        fused.to_requests(INTAKE, CALLER)
    assert caught.value.field == "scores.1"


def test_an_answer_has_every_hit_in_its_new_place() -> None:
    hits = (RankedHit("2", 1, 0.9, 2.2, 7.0), RankedHit("1", 0, None, None, None))
    ranking = Ranking(hits, Outcome.PARTIAL, "missing_passages", missing=("1",))
    content: Any = columns_answer([ranking], "bundled", 0.0)
    assert content["model"] == "bundled"
    assert content["rankings"] == [
        {
            "outcome": "partial",
            "reason": "missing_passages",
            "missing": ["1"],
            "first_ranks": [2, 1],
            "scores": [0.9, None],
        }
    ]


def test_the_headers_tell_of_the_ranking_of_which_least_was_read_by_the_second_model_among_equals() -> None:
    deep, shallow = (
        Ranking((), Outcome.COMPLETE, second_read=20),
        Ranking((), Outcome.COMPLETE, second_read=2),
    )
    partial = Ranking((), Outcome.PARTIAL, second_read=20)
    assert least_of([deep, shallow, deep]) is shallow
    assert least_of([shallow, partial]) is partial


@pytest.mark.parametrize("reason", [None, "deadline", "engine_error", "too_long"])
def test_an_answer_says_why_the_second_model_has_not_read_all_that_it_was_to_read(reason: str | None) -> None:
    ranking = Ranking((), Outcome.COMPLETE, second_read=3, second_reason=reason)
    told = {"second_read": 3} | ({} if reason is None else {"second_reason": reason})
    answers: list[Any] = [
        columns_answer([ranking], "model", 0.0)["rankings"],
        [hits_answer(ranking, "model", 0.0)],
    ]
    for [answer] in answers:
        assert {name: value for name, value in answer.items() if name.startswith("second")} == told
        assert (answer["outcome"], answer["reason"]) == ("complete", None)
