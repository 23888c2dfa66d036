"""Numbers too small to be normal cost time, and nothing depends on them."""

from __future__ import annotations

import platform
import sys
import threading

import numpy as np
import pytest

from jrerank.engines.onnx_cpu.denormals import flush_denormals

SMALL = np.float32(1e-40)


def in_a_thread_of_its_own(flush: bool) -> float:
    """What is left of a denormal number that is multiplied by one."""
    left: list[float] = []

    def work() -> None:
        if flush:
            assert flush_denormals()
        left.append(float(SMALL * np.float32(1)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return left[0]


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="elsewhere nothing is switched"
)
def test_they_are_flushed_in_the_calling_thread_alone() -> None:
    assert in_a_thread_of_its_own(flush=True) == 0.0
    assert in_a_thread_of_its_own(flush=False) > 0.0
    assert float(SMALL * np.float32(1)) > 0.0
