"""The dev set's figures."""

from __future__ import annotations

import math

import pytest

from jrerank.errors import ConfigurationError
from jrerank.training.development import DevSet
from training_models import corpus


def test_figures_of_the_first_stage_of_the_model_and_of_both() -> None:
    dev = DevSet(corpus(), questions=6, depth=4, max_tokens=64)
    assert len(dev.lists) == 6
    perfect = [[float(i == judged.right) * 9 for i in range(len(judged.texts))] for judged in dev.lists]
    wrong = [[-score for score in row] for row in perfect]
    assert dev.figures(perfect).alone == 1.0
    assert dev.figures(wrong).alone < 0.6
    assert dev.figures(wrong).fused >= dev.figures(wrong).alone
    assert dev.figures(perfect).first_stage == dev.figures(wrong).first_stage > 0.9


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_is_no_number_has_no_figures(number: float) -> None:
    dev = DevSet(corpus(), questions=2, depth=2, max_tokens=64)
    with pytest.raises(ConfigurationError, match="lower --learning-rate"):
        dev.figures([[1.0, 0.0], [0.0, number]])
