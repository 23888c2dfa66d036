"""The words of the project as data."""

from __future__ import annotations

import dataclasses
import inspect
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank import domain
from jrerank.domain import Candidate, Outcome, RankedHit, RerankRequest, sigmoid

DATA = [one for _, one in inspect.getmembers(domain, dataclasses.is_dataclass)]


@pytest.mark.parametrize("one", DATA)
def test_data_is_frozen_and_has_no_dict(one: type) -> None:
    assert one.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(one)


def test_a_request_needs_a_query_candidates_and_a_deadline_only() -> None:
    request = RerankRequest("q", (Candidate("1"),), deadline=1.0)
    assert (request.top_n, request.fusion, request.store) == (None, None, None)
    assert (request.truncation, request.caller) == ("right", "")
    assert request.candidates[0].passage is None, "a store has to fetch it"


def test_a_hit_without_a_logit_was_not_scored() -> None:
    assert RankedHit("1", 0, score=0.5, logit=0.0, first_score=3.0).scored
    assert not RankedHit("1", 0, score=None, logit=None, first_score=3.0).scored


def test_an_outcome_is_a_word_on_the_wire() -> None:
    assert [f"{outcome}" for outcome in Outcome] == ["complete", "partial", "passthrough"]


@pytest.mark.parametrize(
    ("logit", "score"), [(0.0, 0.5), (math.log(3), 0.75), (-math.log(3), 0.25), (1e6, 1.0), (-1e6, 0.0)]
)
def test_a_score_is_the_sigmoid_of_a_logit(logit: float, score: float) -> None:
    assert sigmoid(logit) == pytest.approx(score)


@given(logit=st.floats(allow_nan=False))
def test_a_score_is_between_0_and_1_for_any_logit(logit: float) -> None:
    assert 0.0 <= sigmoid(logit) <= 1.0
    assert sigmoid(logit) + sigmoid(-logit) == pytest.approx(1.0)


@given(low=st.floats(-30, 30), high=st.floats(-30, 30))
def test_scores_are_in_the_order_of_their_logits(low: float, high: float) -> None:
    if low < high:
        assert sigmoid(low) <= sigmoid(high)


def test_the_domain_loads_no_third_party() -> None:
    program = (
        "import sys; before = set(sys.modules); import jrerank.domain; print(*set(sys.modules) - before)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in said.stdout.split()}
    assert "jrerank" in loaded
    assert loaded - {"jrerank"} <= set(sys.stdlib_module_names)
