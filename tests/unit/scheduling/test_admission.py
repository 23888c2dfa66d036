"""What a new request would have to wait for."""

from __future__ import annotations

import pytest

from jrerank.scheduling.admission import Load, demand_of, head_tokens
from jrerank.scheduling.backlog import Backlog
from jrerank.scheduling.throughput import Throughput

NOTHING = Load(None, 0, 0, 0)


@pytest.fixture
def throughput() -> Throughput:
    """1,000 tokens a second."""
    made = Throughput(1)
    made.calibrate(1_000, 1.0)
    return made


def backlog(*requests: tuple[float, int], fits: bool = True) -> Backlog:
    made = Backlog()
    for due, tokens in requests:
        made.add(made.open(due, fits=fits), tokens)
    return made


def test_a_tenth_of_the_time_is_kept_back(throughput: Throughput) -> None:
    for tokens, fits in ((900, True), (901, False)):
        assert demand_of(throughput, tokens, tokens, 10, 1.0, 0.0).fits == fits
    demand = demand_of(throughput, 900, 900, 10, 1.0, 0.0)
    assert demand.missing_s(throughput, NOTHING) == pytest.approx(0.0)
    assert demand.missing_s(throughput, Load(None, 0, 0, 50)) == pytest.approx(0.05)


def test_only_what_is_due_before_it_counts_of_its_own_callers_work(throughput: Throughput) -> None:
    demand = demand_of(throughput, 100, 100, 10, 1.0, 0.0)  # due after four times as long as it takes
    before, after = (backlog((due, 2_000)) for due in (0.3, 0.5))
    assert demand.missing_s(throughput, Load(before, 0, 2_000, 0)) == pytest.approx(1.2)
    assert demand.missing_s(throughput, Load(after, 0, 2_000, 0)) < 0


def test_other_callers_count_for_as_much_as_its_own_work_each(throughput: Throughput) -> None:
    demand = demand_of(throughput, 300, 300, 10, 1.0, 0.0)
    assert demand.missing_s(throughput, Load(None, 2, 100_000, 0)) == pytest.approx(0.0)
    assert demand.missing_s(throughput, Load(None, 3, 100_000, 0)) == pytest.approx(0.3)


def test_what_cannot_be_finished_needs_a_twelfth_of_its_time_for_itself(throughput: Throughput) -> None:
    demand = demand_of(throughput, 10_000, 10_000, 10, 1.2, 0.0)
    others = [(9.0, 10_000)] * 10
    assert head_tokens(throughput, 1.2) == 100
    assert demand.missing_s(throughput, Load(backlog(*others, fits=False), 0, 100_000, 0)) < 0
    assert demand.missing_s(throughput, Load(backlog(*others, *others[:2], fits=False), 0, 120_000, 0)) > 0


def test_a_first_pair_that_is_longer_than_that_is_needed_whole(throughput: Throughput) -> None:
    demand = demand_of(throughput, 10_000, 10_000, 500, 1.2, 0.0)
    one = Load(backlog((9.0, 10_000), fits=False), 0, 10_000, 0)
    assert demand.missing_s(throughput, NOTHING) < 0
    assert demand.missing_s(throughput, one) == pytest.approx(1.0 - 1.2 * 0.9 * 0.75)


def test_pairs_that_others_wait_for_run_once(throughput: Throughput) -> None:
    demand = demand_of(throughput, 500, 0, 10, 1.0, 0.0)
    assert demand.missing_s(throughput, Load(backlog((0.1, 500)), 0, 500, 0)) < 0
