"""The engine is measured before the first request."""

from __future__ import annotations

from engines import GatedEngine
from jrerank.scheduling.calibration import calibrated
from jrerank.scheduling.throughput import Throughput
from jrerank.tokenization.windows import Tokenization


def test_it_runs_twice_and_knows_more_than_before(tokenization: Tokenization) -> None:
    engine = GatedEngine(workers=3, is_open=True)
    throughput = calibrated(engine, tokenization)
    assert engine.runs == 2
    assert throughput.tokens_per_s != Throughput(3).tokens_per_s
