"""Replicas behind clients that choose among them: what the simulation of `docs/scale-out.md` rests on."""

from __future__ import annotations

import pytest

from fleet_simulation import PAIRS, REPLICA_PAIRS_PER_S, TIMEOUT_S, Choice, Fleet, Outcomes, speeds

REPLICAS, SECONDS = 40, 1.5


def outcomes(choice: Choice, load: float, slow: float = 0.0, dead: float = 0.0) -> Outcomes:
    rate = load * REPLICAS * REPLICA_PAIRS_PER_S
    return Fleet(speeds(REPLICAS, slow, dead), rate, choice).run(SECONDS)


def test_an_idle_fleet_takes_as_long_as_one_request() -> None:
    idle = outcomes("random", load=0.01)
    assert idle.percentile_ms(0.5) == pytest.approx(1000 * PAIRS / REPLICA_PAIRS_PER_S, rel=0.01)


@pytest.mark.parametrize("choice", ["random", "heard", "probed"])
def test_nothing_is_lost_to_dead_and_slow_replicas_and_nothing_is_later_than_its_deadline(
    choice: Choice,
) -> None:
    made = outcomes(choice, load=0.5, slow=0.1, dead=0.1)
    assert made.complete > 0.97
    assert max(made.took_s) <= TIMEOUT_S


def test_what_two_queues_hold_now_is_worth_half_of_the_tail() -> None:
    assert outcomes("probed", load=0.8).percentile_ms(0.99) < 0.7 * outcomes(
        "random", load=0.8
    ).percentile_ms(0.99)


def test_too_much_work_is_refused_at_once_and_the_rest_is_done_in_time() -> None:
    made = outcomes("probed", load=1.5)
    assert made.refused > 10 * max(1, made.late)
    assert 0.5 < made.complete < 0.9
    assert max(made.took_s) <= TIMEOUT_S
