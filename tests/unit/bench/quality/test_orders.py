from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.bench.quality.orders import fuse, ordered, scored_within, seconds_for
from jrerank.bench.quality.scores import QueryScores
from jrerank.domain import Candidate, Fusion
from jrerank.evaluation.collection import halves
from jrerank.evaluation.measures import Measure
from unit.bench.collections import small_collection

HITS = (Candidate("a", "1234", 3.0), Candidate("b", "1234", 2.0), Candidate("c", "123456789", 1.0))
SCORES = QueryScores((0.0, 1.0, 5.0), seconds=2.0)


def test_the_model_alone_fused_and_down_to_a_depth() -> None:
    assert ordered(HITS, SCORES) == ("c", "b", "a")
    assert ordered(HITS, SCORES, Fusion("linear", 10.0)) == ("a", "b", "c")
    assert ordered(HITS, SCORES, scored=2) == ("b", "a", "c"), "what isn't scored stays behind, in its order"
    assert ordered(HITS, SCORES, scored=0) == ("a", "b", "c")


def test_time_is_spread_over_a_list_by_length() -> None:
    assert seconds_for(HITS, SCORES, 2) == pytest.approx(1.0)
    assert [scored_within(HITS, SCORES, seconds) for seconds in (0.4, 0.5, 1.0, 1.9, 2.0)] == [0, 1, 2, 2, 3]


@given(st.floats(0, 3), st.floats(0, 3))
def test_more_time_never_scores_less(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert scored_within(HITS, SCORES, low) <= scored_within(HITS, SCORES, high)


def test_each_half_is_read_with_the_weight_that_was_best_on_the_other() -> None:
    """In one half the first stage is right and the model wrong, in the other the other way round."""
    collection = small_collection(40)
    first, _ = halves(collection.measurable)
    scores = {
        id: QueryScores(tuple(9.0 if place == (5 if id in first else 2) else 0.0 for place in range(6)), 1.0)
        for id in collection.measurable
    }
    fused = fuse(collection, scores, Measure("MRR", 10), 6)
    assert fused is not None
    assert fused.weights[0] < 2 < fused.weights[1] or fused.weights[0] != fused.weights[1]
    assert set(fused.orders) == set(collection.measurable)


def test_without_first_stage_scores_nothing_is_fused() -> None:
    collection = small_collection(scores=False)
    assert fuse(collection, dict.fromkeys(collection.measurable, SCORES), Measure("MRR"), 3) is None
