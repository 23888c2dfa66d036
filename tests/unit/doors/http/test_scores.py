"""Scores for shapes that have room for nothing else: any client's sort leaves the hits where they are."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.domain import Candidate, Scored
from jrerank.doors.http.scores import shown_scores
from jrerank.ordering import order

LOGITS = st.lists(st.one_of(st.none(), st.floats(-50, 50)), max_size=40)


def ranked(*logits: float | None) -> list[float | None]:
    return [None if logit is None else float(logit) for logit in logits]


def scores_of(logits: list[float | None], *, raw: bool = False) -> list[float]:
    candidates = [Candidate(str(i)) for i in range(len(logits))]
    hits = order(candidates, [None if logit is None else Scored(logit, 1) for logit in logits])
    return shown_scores(hits, raw=raw)


def test_unscored_hits_count_down_from_zero() -> None:
    assert scores_of(ranked(None, 0.0, None, None)) == [0.5, -0.0025, -0.005, -0.0075]


@pytest.mark.parametrize("count", [1, 400, 10_000])
def test_however_many_they_are_they_stay_near_zero(count: int) -> None:
    scores = scores_of([None] * count)
    assert all(-0.01 < score < 0 for score in scores)
    assert all(later < earlier for earlier, later in pairwise(scores))


def test_raw_unscored_hits_count_down_from_the_lowest_logit() -> None:
    assert scores_of(ranked(-7.0, None, 2.0, None), raw=True) == [2.0, -7.0, -7.001, -7.002]


def test_raw_unscored_hits_are_negative_though_all_logits_are_positive() -> None:
    assert scores_of(ranked(3.0, None), raw=True) == [3.0, -0.001]


@pytest.mark.parametrize("raw", [False, True])
@given(logits=LOGITS)
def test_a_stable_sort_changes_nothing(raw: bool, logits: list[float | None]) -> None:
    scores = scores_of(logits, raw=raw)
    assert scores == sorted(scores, reverse=True)
    unscored = scores[len(scores) - logits.count(None) :]
    assert len(set(unscored)) == len(unscored)
    assert all(score < 0 for score in unscored)


@given(LOGITS)
def test_a_literal_has_a_point_or_an_exponent_and_at_most_eight_digits(logits: list[float | None]) -> None:
    for score in scores_of(logits):
        assert re.search(r"[.e]", repr(score))
        assert len(re.sub(r"e.*|\D", "", repr(score)).lstrip("0")) <= 8
