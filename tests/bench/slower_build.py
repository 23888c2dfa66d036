"""`python -m bench.slower_build SHARE ARGUMENTS...`: `jrerank-admin` of a build whose engine takes so much more of the CPU.

After each batch the engine's thread computes for a share of the CPU time that the batch took: 0.1 makes a build that is a tenth
slower whatever else the machine does, 0 one that is equal.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Sequence

from jrerank.admin.app import app
from jrerank.domain import Window
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.errors import EngineError

_BYTES = bytes(16_000)  # large enough that the other workers have the interpreter meanwhile

Score = Callable[[OnnxCpuEngine, Sequence[Window]], list[float | EngineError]]


def main(share: float, arguments: Sequence[str]) -> None:
    """Run the command on the slower engine."""
    OnnxCpuEngine.score = slower(OnnxCpuEngine.score, share)  # type: ignore[method-assign, assignment]
    app(list(arguments))


def slower(score: Score, share: float, thread_time: Callable[[], float] = time.thread_time) -> Score:
    """`score` that takes so much more of its thread's time, by that clock in seconds."""

    def scored(engine: OnnxCpuEngine, windows: Sequence[Window]) -> list[float | EngineError]:
        started = thread_time()
        logits = score(engine, windows)
        ended = thread_time()
        while thread_time() - ended < share * (ended - started):
            hashlib.blake2b(_BYTES)
        return logits

    return scored


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
