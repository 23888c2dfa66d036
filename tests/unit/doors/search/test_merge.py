from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.domain import Outcome, RankedHit, Ranking
from jrerank.doors.search.merge import answer_of, merged
from shared_vectors import Case, cases

# What only a client can meet: answers that no ranking of ours would give
_OF_CLIENTS = {"invalid_answer", "duplicate_results", "missing_results", "unexpected_results"}


def ranking_of(answer: dict[str, Any], first: list[dict[str, Any]]) -> Ranking:
    """The ranking that `POST /v1/hits` would answer so."""
    hits = [
        RankedHit(
            id=hit["id"],
            index=hit["first_rank"] - 1,
            score=hit["score"],
            logit=0.0 if hit["scored"] else None,
            first_score=first[hit["first_rank"] - 1]["score"],
        )
        for hit in answer["hits"]
    ]
    return Ranking(tuple(hits), Outcome(answer["outcome"]), answer["reason"])


@pytest.mark.parametrize(
    "case", [case for case in cases("merge.json") if case.values[0].expected["reason"] not in _OF_CLIENTS]
)
def test_the_shared_vectors(case: Case) -> None:
    hits, expected = case.input["hits"], case.expected
    answer = answer_of(ranking_of(case.input["answer"], hits), "m")
    unread, min_score = case.input.get("unread", "below"), case.input.get("min_score")
    order = merged(answer, [hit["score"] for hit in hits], unread, min_score)
    assert [{"id": hits[one.index]["id"], "score": one.score} for one in order] == expected["hits"]
    max_score = order[0].score if order else None
    assert (answer.outcome, answer.reason, answer.reranked, max_score) == (
        expected["outcome"],
        expected["reason"],
        expected["reranked"],
        expected["max_score"],
    )


@given(order=st.permutations(range(4)), scored=st.integers(0, 4))
def test_whatever_is_answered_no_hit_is_lost_or_doubled(order: list[int], scored: int) -> None:
    hits = [
        RankedHit(f"{index}", index, 0.5 if place < scored else None, 0.0 if place < scored else None, 9.0)
        for place, index in enumerate(order)
    ]
    whole = merged(answer_of(Ranking(tuple(hits), Outcome.PARTIAL), "m"), [9.0] * 5)
    assert [one.index for one in whole] == [*order, 4]
    assert [one.is_scored for one in whole] == [place < scored for place in range(5)]
