"""The build that is slower on purpose takes so much more of the CPU, and scores the same."""

from __future__ import annotations

import hashlib
import time
from array import array
from collections.abc import Sequence
from typing import cast

import pytest

from bench.slower_build import slower
from jrerank.domain import Window
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.errors import EngineError

WINDOWS = [Window(array("i", [1, 2]), 1)] * 3


def score(_: OnnxCpuEngine, windows: Sequence[Window]) -> list[float | EngineError]:
    for _round in range(40):
        hashlib.blake2b(bytes(1_000_000))
    return [1.5] * len(windows)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_it_takes_that_share_more(share: float) -> None:
    engine = cast(OnnxCpuEngine, None)
    cpu_s = [0.0, 0.0]
    for place, way in enumerate((score, slower(score, share))):
        started = time.thread_time()
        assert way(engine, WINDOWS) == [1.5] * 3
        cpu_s[place] = time.thread_time() - started
    assert cpu_s[1] / cpu_s[0] == pytest.approx(1 + share, abs=0.25)
