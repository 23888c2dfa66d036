"""How good a hit list is."""

from __future__ import annotations

import pytest

from jrerank.evaluation.measures import ndcg, reciprocal_rank


@pytest.mark.parametrize(
    ("place", "gain", "reciprocal"),
    [(1, 1.0, 1.0), (2, 0.63093, 0.5), (3, 0.5, 1 / 3), (10, 0.28906, 0.1), (11, 0, 0)],
)
def test_the_further_down_the_less_it_is_worth(place: int, gain: float, reciprocal: float) -> None:
    ids = [str(rank) for rank in range(1, 21)]
    assert ndcg(ids, str(place)) == pytest.approx(gain, abs=1e-5)
    assert reciprocal_rank(ids, str(place)) == pytest.approx(reciprocal)


def test_a_passage_that_is_not_there_is_worth_nothing() -> None:
    assert ndcg([], "a") == reciprocal_rank(["b"], "a") == 0.0
