"""A second model puts the top of the first one's ranking in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.cascade import Head, reordered
from jrerank.domain import Candidate, Fusion, PairResult, RankedHit, Scored
from jrerank.errors import EngineError, InputTooLong
from jrerank.ordering import order

FUSIONS = [None, Fusion("linear", weight=0.3), Fusion("linear", weight=1e9), Fusion("rrf")]
# Few values, so that there are ties
LOGITS = st.lists(
    st.one_of(st.none(), st.integers(-4, 4).map(float), st.floats(-30, 30)), min_size=1, max_size=25
)
OPINIONS = st.lists(st.one_of(st.integers(-4, 4).map(float), st.floats(-30, 30)), min_size=25, max_size=25)


def candidates(count: int) -> list[Candidate]:
    return [Candidate(str(place), "text", float(-place % 7)) for place in range(count)]


def scored(*logits: float | None) -> list[Scored | None]:
    return [None if logit is None else Scored(logit, 10) for logit in logits]


def first_round(logits: list[float | None], fusion: Fusion | None) -> tuple[RankedHit, ...]:
    return order(candidates(len(logits)), scored(*logits), fusion)


def both_rounds(
    logits: list[float | None], opinions: list[float], depth: int, fusion: Fusion | None
) -> tuple[RankedHit, ...]:
    hits = first_round(logits, fusion)
    second = {hit.index: Scored(opinions[hit.index], 10) for hit in hits[:depth] if hit.scored}
    return reordered(hits, second)


def scores(hits: tuple[RankedHit, ...]) -> list[float | None]:
    return [hit.score for hit in hits]


def test_the_second_model_decides_the_order_and_the_first_the_scale() -> None:
    hits = both_rounds([3.0, 2.0, 1.0, 0.0], [-7.0, -9.0, 8.0, 9.0], depth=3, fusion=None)
    assert [(hit.id, hit.logit, hit.second_logit) for hit in hits] == [
        ("2", 3.0, 8.0),
        ("0", 2.0, -7.0),
        ("1", 1.0, -9.0),
        ("3", 0.0, None),
    ]


def test_what_either_model_did_not_read_to_its_end_is_truncated() -> None:
    first = [Scored(2.0, 9, truncated=True), Scored(1.0, 9), Scored(0.0, 9)]
    second = {0: Scored(0.0, 9), 1: Scored(1.0, 9, truncated=True), 2: Scored(2.0, 9)}
    hits = reordered(order(candidates(3), first), second)
    assert [(hit.index, hit.truncated) for hit in hits] == [(2, False), (1, True), (0, True)]


def test_with_fusion_too_what_is_below_the_top_stays_below_it() -> None:
    hits = [Candidate("A", "text", 0.0), Candidate("B", "text", 5.0), Candidate("C", "text", 4.0)]
    second = {0: Scored(-1.0, 9), 1: Scored(1.0, 9)}
    ranked = reordered(order(hits, scored(5.0, 0.0, 0.0), Fusion("linear", weight=1.0)), second)
    assert [(hit.id, hit.score, hit.logit) for hit in ranked] == [
        ("B", 5.0, 5.0),
        ("A", 5.0, 0.0),
        ("C", 4.0, 0.0),
    ]


@pytest.mark.parametrize("depth", [2, 3])
def test_of_hits_that_the_first_model_holds_for_equal_those_it_put_first_stay_first(depth: int) -> None:
    hits = both_rounds([1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 2.0, 3.0], depth, None)
    assert [hit.index for hit in hits] == [*reversed(range(depth)), *range(depth, 4)]


@given(LOGITS, OPINIONS, st.integers(0, 30), st.sampled_from(FUSIONS))
def test_every_candidate_comes_back_once_and_scores_fall(
    logits: list[float | None], opinions: list[float], depth: int, fusion: Fusion | None
) -> None:
    hits = both_rounds(logits, opinions, depth, fusion)
    assert sorted(hit.index for hit in hits) == list(range(len(logits)))
    shown = [score for score in scores(hits) if score is not None]
    assert shown == sorted(shown, reverse=True)
    assert [hit.scored for hit in hits] == sorted((hit.scored for hit in hits), reverse=True)


@given(LOGITS, OPINIONS, st.integers(0, 30), st.sampled_from(FUSIONS))
def test_the_top_is_the_first_rounds_in_the_second_models_order(
    logits: list[float | None], opinions: list[float], depth: int, fusion: Fusion | None
) -> None:
    alone, hits = first_round(logits, fusion), both_rounds(logits, opinions, depth, fusion)
    read = [hit for hit in hits if hit.second_logit is not None]
    assert {hit.index for hit in hits[: len(read)]} == {hit.index for hit in alone[: len(read)]}
    assert len(read) == min(depth, sum(hit.scored for hit in alone))
    assert [hit.second_logit for hit in read] == sorted((opinions[hit.index] for hit in read), reverse=True)
    assert [hit.index for hit in hits[len(read) :]] == [hit.index for hit in alone[len(read) :]]


@given(LOGITS, OPINIONS, st.integers(0, 30), st.sampled_from(FUSIONS))
def test_the_scores_are_those_of_the_first_round_so_a_threshold_lets_as_many_hits_pass(
    logits: list[float | None], opinions: list[float], depth: int, fusion: Fusion | None
) -> None:
    alone, hits = first_round(logits, fusion), both_rounds(logits, opinions, depth, fusion)
    assert [(hit.score, hit.logit) for hit in hits] == [(hit.score, hit.logit) for hit in alone]


@given(LOGITS, st.integers(0, 30))
def test_the_same_model_twice_orders_as_it_does_once(logits: list[float | None], depth: int) -> None:
    same = [logit or 0.0 for logit in logits]
    once, twice = first_round(logits, None), both_rounds(logits, same, depth, None)
    assert [(hit.id, hit.score) for hit in twice] == [(hit.id, hit.score) for hit in once]


RESULTS = st.lists(
    st.one_of(
        st.none(),
        st.just(EngineError("failed")),
        st.just(InputTooLong("long")),
        st.floats(-30, 30).map(lambda logit: Scored(logit, 9)),
    ),
    max_size=8,
)


@given(RESULTS)
def test_a_round_that_was_cut_off_is_one_of_less_depth(results: list[PairResult | None]) -> None:
    places = tuple(range(10, 10 + len(results)))
    hits = tuple(RankedHit(str(place), place, 0.5, 0.0, None) for place in (*places, 90, 91))
    head = Head(hits, ("text",) * len(results), tuple(results))
    depth = next(
        (place for place, result in enumerate(results) if not isinstance(result, Scored)), len(results)
    )
    assert list(head.read) == list(places[:depth])
    assert head.is_read is (depth == len(results))
    left_out = results[depth] if depth < len(results) else Scored(0.0, 9)
    reasons = {Scored: None, type(None): "deadline", EngineError: "engine_error", InputTooLong: "too_long"}
    assert head.reason == reasons[type(left_out)]
