"""Each measure against ir-measures, on lists with ties, missing labels, duplicates and too few hits."""

from __future__ import annotations

from collections.abc import Sequence

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.errors import InvalidInput
from jrerank.evaluation.measures import Measure, ndcg, reciprocal_rank

IDS = [f"d{number}" for number in range(12)]
THEIR_NAMES = {"MRR": "RR", "MAP": "AP", "Recall": "R"}
MEASURES = ("nDCG", "nDCG@3", "nDCG@10", "MRR", "MRR@2", "MAP", "MAP@5", "Recall@1", "Recall@10")


def by_ir_measures(name: str, ids: Sequence[str], labels: dict[str, int]) -> float:
    """The order as a run: scores that fall with the rank, since trec_eval sorts by them."""
    kind, _, cutoff = name.partition("@")
    measure = ir_measures.parse_measure(THEIR_NAMES.get(kind, kind) + (f"@{cutoff}" if cutoff else ""))
    run = {"q": {id: float(len(ids) - rank) for rank, id in enumerate(ids)}}
    return float(measure.calc_aggregate({"q": labels}, run))


@given(
    ids=st.permutations(IDS).flatmap(lambda order: st.integers(0, len(order)).map(lambda size: order[:size])),
    labels=st.dictionaries(st.sampled_from([*IDS, "not retrieved"]), st.integers(0, 3), min_size=1),
)
def test_equals_ir_measures(ids: list[str], labels: dict[str, int]) -> None:
    for name in MEASURES:
        expected = by_ir_measures(name, ids, labels) if ids else 0.0
        assert Measure.parse(name).of(ids, labels) == pytest.approx(expected, abs=1e-9), name


@pytest.mark.parametrize("name", MEASURES)
def test_a_list_without_hits_or_a_query_without_relevant_passages_counts_0(name: str) -> None:
    assert Measure.parse(name).of([], {"a": 1}) == Measure.parse(name).of(["a"], {"a": 0}) == 0.0


def test_what_is_measured_is_the_order_as_it_stands() -> None:
    assert [reciprocal_rank(order, {"b": 1}) for order in (["a", "b"], ["b", "a"])] == [0.5, 1.0]


def test_an_id_that_comes_twice_counts_where_it_comes_first() -> None:
    assert ndcg(["a", "a", "b"], {"a": 1, "b": 1}) == 1.0


def test_a_measure_is_known_by_its_name() -> None:
    assert str(Measure.parse("ndcg@10")) == "nDCG@10"
    assert Measure.parse("MAP") == Measure("MAP", None)


@pytest.mark.parametrize("name", ["", "nDCG@", "nDCG@0", "F1", "MRR@-1"])
def test_an_unknown_measure_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="is no measure: nDCG"):
        Measure.parse(name)
