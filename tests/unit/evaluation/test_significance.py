"""Against scipy where scipy has it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from jrerank.evaluation.significance import bootstrap, holm, paired_randomization

# Twentieths: scipy is given them as whole numbers, since it takes sums that should be equal for different ones by their rounding
FEW = st.lists(st.integers(-20, 20), min_size=2, max_size=9)


@given(FEW)
@example([2, 12, -1, -2, -11])
def test_the_exact_p_value_is_scipys(twentieths: list[int]) -> None:
    values = [value for value in twentieths if value]
    expected = 1.0
    if len(values) > 1:  # scipy wants two; a difference of 0 is 0 with either sign
        test = stats.permutation_test(
            (np.array(values),), np.sum, permutation_type="samples", n_resamples=np.inf
        )
        expected = float(test.pvalue)
    assert paired_randomization([value / 20 for value in twentieths]) == pytest.approx(expected, abs=1e-9)


def test_many_differences_are_sampled_and_come_near_the_t_test() -> None:
    values = np.random.default_rng(1).normal(0.03, 0.2, 300)
    p = paired_randomization(values.tolist())
    assert p == pytest.approx(float(stats.ttest_1samp(values, 0).pvalue), abs=0.01)
    assert p == paired_randomization(values.tolist()), "it is the same at each call"


def test_without_a_difference_nothing_is_significant() -> None:
    assert paired_randomization([0.0] * 50) == 1.0


def test_the_p_value_never_is_0() -> None:
    assert paired_randomization([0.1] * 100) == pytest.approx(1 / 20_001)


def test_holms_correction_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_interval_is_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(2).exponential(1.0, 200)
    expected = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(3)
    ).confidence_interval
    interval = bootstrap(values.tolist())
    assert interval.mean == pytest.approx(float(values.mean()), abs=1e-12)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=0.01)


def test_a_mean_of_nothing_has_no_interval() -> None:
    with pytest.raises(ValueError, match="nothing"):
        bootstrap([])
