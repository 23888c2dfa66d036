"""The plan: rates over time, and what may change when a run goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jrerank.errors import ConfigurationError
from jrerank.training.plan import TrainingPlan, token_limits

PLAN = TrainingPlan(tokens=1000, warmup_steps=10, decay_from=0.5)


def test_the_rate_rises_stays_and_falls_to_nothing() -> None:
    assert [PLAN.rate(step, 0.0) for step in (0, 4, 9, 50)] == [0.1, 0.5, 1.0, 1.0]
    assert [round(PLAN.rate(99, p), 3) for p in (0.5, 0.75, 1.0, 1.2)] == [1.0, 0.5, 0.0, 0.0]


def test_a_ramp_takes_a_tenth_of_a_small_budget() -> None:
    """Of 89 steps 60 would be two thirds: the rate would never come to its peak before it falls."""
    plan = TrainingPlan(tokens=1)
    small = [plan.rate(step, step / 89) for step in range(89)]
    assert small.index(1.0) == 9
    assert small[:9] == sorted(small[:9])
    large = [plan.rate(step, step / 3_000) for step in range(100)]
    assert large == [min(1.0, (step + 1) / 60) for step in range(100)]


@pytest.mark.parametrize(
    ("chars", "tokens"),
    [
        ((170, 450), (192, 384)), ((20, 20), (192, 384)), ((210, 500), (232, 434)), ((450, 450), (472, 472)),
        ((900, 900), (512, 512)),
    ],
)  # fmt: skip
def test_longer_excerpts_are_not_cut(chars: tuple[int, int], tokens: tuple[int, int]) -> None:
    assert token_limits(*chars) == tokens


def test_a_run_goes_on_with_another_budget_but_nothing_else() -> None:
    stored = PLAN.as_json()
    assert replace(PLAN, tokens=5).continued(stored) == replace(PLAN, tokens=5)
    with pytest.raises(ConfigurationError, match=r"seed is 2, but the run in this folder began with 1"):
        replace(PLAN, seed=2).continued(stored)


def test_a_field_that_was_added_later_had_its_default() -> None:
    stored = PLAN.as_json()
    del stored["skip_loss"]
    assert PLAN.continued(stored) == PLAN
    with pytest.raises(
        ConfigurationError, match=r"skip_loss is 0\.05, but the run in this folder began with 0\.0"
    ):
        replace(PLAN, skip_loss=0.05).continued(stored)


def test_a_run_keeps_the_limits_that_no_option_sets() -> None:
    assert replace(PLAN, max_tokens=300, long_max_tokens=500).continued(PLAN.as_json()) == PLAN
