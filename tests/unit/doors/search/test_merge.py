from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.domain import Candidate
from jrerank.doors.search.merge import merged, read_answer
from shared_vectors import Case, cases


def candidates_of(hits: list[dict[str, Any]], window: int) -> list[Candidate]:
    return [Candidate(hit["id"], None, hit["score"]) for hit in hits[:window]]


@pytest.mark.parametrize("case", cases("merge.json"))
def test_the_shared_vectors(case: Case) -> None:
    hits, expected = case.input["hits"], case.expected
    answer = read_answer(case.input["answer"], candidates_of(hits, case.input["window"]))
    order = merged(answer, [hit["score"] for hit in hits])
    assert [{"id": hits[one.index]["id"], "score": one.score} for one in order] == expected["hits"]
    assert (answer.outcome, answer.reason, answer.reranked, order[0].score) == (
        expected["outcome"],
        expected["reason"],
        expected["reranked"],
        expected["max_score"],
    )


@given(
    ranks=st.lists(st.integers(-1, 6) | st.none() | st.just(True), max_size=6),
    score=st.one_of(st.none(), st.floats(), st.text(max_size=2)),
)
def test_whatever_is_answered_no_hit_is_lost_or_doubled(ranks: list[int | None], score: object) -> None:
    hits: list[dict[str, Any]] = [{"id": f"{n}", "score": 9.0 - n} for n in range(5)]
    answer = {
        "outcome": "complete",
        "hits": [
            {"id": f"{(rank or 0) - 1}", "first_rank": rank, "score": score, "scored": True} for rank in ranks
        ],
    }
    order = merged(read_answer(answer, candidates_of(hits, 4)), [hit["score"] for hit in hits])
    assert sorted(one.index for one in order) == list(range(5))
    assert order[-1].index == 4
