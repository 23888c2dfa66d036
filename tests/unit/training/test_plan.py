"""The plan: rates over time, and what may change when a run goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jrerank.errors import ConfigurationError
from jrerank.training.plan import TrainingPlan

PLAN = TrainingPlan(tokens=1000, warmup_steps=10, decay_from=0.5)


def test_the_rate_rises_stays_and_falls_to_nothing() -> None:
    assert [PLAN.rate(step, 0.0) for step in (0, 4, 9, 50)] == [0.1, 0.5, 1.0, 1.0]
    assert [round(PLAN.rate(99, p), 3) for p in (0.5, 0.75, 1.0, 1.2)] == [1.0, 0.5, 0.0, 0.0]


def test_a_run_goes_on_with_another_budget_but_nothing_else() -> None:
    stored = PLAN.as_json()
    replace(PLAN, tokens=5).check_continues(stored)
    with pytest.raises(ConfigurationError, match=r"seed is 2, but the run in this folder began with 1"):
        replace(PLAN, seed=2).check_continues(stored)
