"""Scores -> ranked hits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.domain import Candidate, Fusion, Scored, sigmoid
from jrerank.ordering import order

LOGITS = st.lists(st.one_of(st.none(), st.floats(-30, 30)), max_size=30)


def candidates(*scores: float | None) -> list[Candidate]:
    return [Candidate(str(index), "text", score) for index, score in enumerate(scores)]


def scored(*logits: float | None) -> list[Scored | None]:
    return [None if logit is None else Scored(logit, 10) for logit in logits]


def ids(*hits: object) -> list[str]:
    return [hit.id for hit in hits]  # type: ignore[attr-defined]


def test_better_hits_come_first() -> None:
    assert ids(*order(candidates(None, None, None), scored(0.1, 3.0, 2.0))) == ["1", "2", "0"]


def test_ties_keep_the_first_stages_order() -> None:
    assert ids(*order(candidates(3, 2, 1), scored(1.0, 1.0, 1.0))) == ["0", "1", "2"]


def test_what_was_not_scored_comes_last_in_the_first_stages_order() -> None:
    hits = order(candidates(4, 3, 2, 1), scored(-9.0, None, 1.0, None))
    assert ids(*hits) == ["2", "0", "1", "3"]
    assert [hit.scored for hit in hits] == [True, True, False, False]


def test_a_score_is_the_sigmoid_of_the_logit() -> None:
    (hit,) = order(candidates(1.0), scored(0.5))
    assert hit.score == sigmoid(0.5)


def test_logits_decide_where_their_sigmoids_no_longer_differ() -> None:
    hits = order(candidates(None, None, None), scored(40.0, 50.0, 40.0))
    assert [(hit.id, hit.score) for hit in hits] == [("1", 1.0), ("0", 1.0), ("2", 1.0)]


def test_no_first_score_makes_an_infinity() -> None:
    hits = order(candidates(-1.7e308, 1.7e308, 0.0), scored(0.0, 0.0, 1.0), Fusion("linear", weight=1e6))
    assert ids(*hits) == ["1", "2", "0"]
    assert all(math.isfinite(hit.score or 0.0) for hit in hits)


def test_linear_fusion_adds_the_weighted_first_score_to_the_logit() -> None:
    hits = order(candidates(10.0, 0.0), scored(0.0, 1.0), Fusion("linear", weight=0.2))
    assert [(hit.id, hit.score) for hit in hits] == [("0", 2.0), ("1", 1.0)]


def test_reciprocal_rank_fusion_adds_both_ranks() -> None:
    hits = order(candidates(None, None, None), scored(0.0, 1.0, 2.0), Fusion("rrf", rank_constant=60))
    by_id = {hit.id: hit.score for hit in hits}
    assert by_id["0"] == pytest.approx(1 / 61 + 1 / 63)
    assert by_id["1"] == pytest.approx(2 / 62)


@given(LOGITS, st.sampled_from([None, Fusion("linear", weight=0.3), Fusion("rrf")]))
def test_every_candidate_comes_back_once_scored_ones_first(
    logits: list[float | None], fusion: Fusion | None
) -> None:
    hits = order(candidates(*[float(-i) for i in range(len(logits))]), scored(*logits), fusion)
    assert sorted(hit.index for hit in hits) == list(range(len(logits)))
    flags = [hit.scored for hit in hits]
    assert flags == sorted(flags, reverse=True)
    unscored = [hit.index for hit in hits if not hit.scored]
    assert unscored == sorted(unscored)
    scores = [hit.score for hit in hits if hit.score is not None]
    assert scores == sorted(scores, reverse=True)
