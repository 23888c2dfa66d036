"""The engine is measured before the first request."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from engines import GatedEngine
from jrerank.domain import Window
from jrerank.errors import EngineError
from jrerank.scheduling.calibration import calibrated, token_cost
from jrerank.scheduling.throughput import Throughput
from jrerank.tokenization.windows import Tokenization


def test_it_runs_twice_and_knows_more_than_before(tokenization: Tokenization) -> None:
    engine = GatedEngine(workers=3, is_open=True)
    throughput = calibrated(engine, tokenization)
    assert engine.runs == 2
    assert throughput.tokens_per_s != Throughput(3).tokens_per_s


class SlowEngine(GatedEngine):
    """Takes so many milliseconds for a window, and more for its first one."""

    def __init__(self, run_ms: float) -> None:
        super().__init__(is_open=True)
        self._run_s = run_ms / 1000

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        time.sleep(self._run_s * (1 if self.runs else 5))
        return super().score(windows)


def test_a_token_of_the_second_model_costs_as_many_as_the_first_one_reads_meanwhile(
    tokenization: Tokenization,
) -> None:
    cost = token_cost(SlowEngine(20), tokenization, SlowEngine(100), tokenization)
    assert cost == pytest.approx(5, rel=0.3)
