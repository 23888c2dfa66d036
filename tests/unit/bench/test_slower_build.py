"""The build that is slower on purpose takes so much more of the CPU, and scores the same."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import cast

import pytest

from bench.slower_build import slower
from jrerank.domain import Window
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.errors import EngineError

WINDOWS = [Window(array("i", [1, 2]), 1)] * 3
SCORING_S, READING_S = 8.0, 0.01


class Clock:
    """Time that goes by with scoring, and a little with each look at it."""

    now_s = 0.0

    def score(self, _: OnnxCpuEngine, windows: Sequence[Window]) -> list[float | EngineError]:
        self.now_s += SCORING_S
        return [1.5] * len(windows)

    def read(self) -> float:
        self.now_s += READING_S
        return self.now_s


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_it_takes_that_share_more(share: float) -> None:
    clock = Clock()
    assert slower(clock.score, share, clock.read)(cast(OnnxCpuEngine, None), WINDOWS) == [1.5] * 3
    assert clock.now_s == pytest.approx(SCORING_S * (1 + share), abs=5 * READING_S)
