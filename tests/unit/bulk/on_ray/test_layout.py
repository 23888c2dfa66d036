"""All actors fit at the same time, wherever Ray puts them; every GPU and every machine has a scorer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.bulk.on_ray.layout import READER_SHARE, Machine, layout


@given(st.lists(st.builds(Machine, st.integers(1, 64), st.integers(0, 8)), min_size=1, max_size=12))
def test_all_actors_fit(machines: list[Machine]) -> None:
    made = layout(machines)
    cpus, gpus = sum(machine.cpus for machine in machines), sum(machine.gpus for machine in machines)
    reserved = made.scorers * made.scorer_cpus + made.tokenizers * made.tokenizer_cpus + READER_SHARE
    if not gpus or cpus >= gpus:
        assert reserved <= cpus + 0.01
    assert made.scorers == (gpus or len(machines))
    assert made.scorer_gpus == (1 if gpus else 0)


@given(st.lists(st.builds(Machine, st.integers(1, 64)), min_size=1, max_size=12))
def test_where_cpus_score_a_machine_has_room_for_a_scorer_whatever_else_is_there(
    machines: list[Machine],
) -> None:
    made = layout(machines)
    beside = made.tokenizers * made.tokenizer_cpus + READER_SHARE
    assert all(machine.cpus >= made.scorer_cpus + beside - 0.01 for machine in machines)


@pytest.mark.parametrize(
    ("machines", "scorers", "workers", "tokenizers"),
    [
        ([Machine(16, 1)], 1, 1, 4),
        ([Machine(64, 8), Machine(64, 8)], 16, 1, 64),
        ([Machine(8), Machine(16)], 2, 7, 2),
        ([Machine(1)], 1, 1, 1),
    ],
)
def test_machines(machines: list[Machine], scorers: int, workers: int, tokenizers: int) -> None:
    made = layout(machines)
    assert (made.scorers, made.workers, made.tokenizers) == (scorers, workers, tokenizers)
