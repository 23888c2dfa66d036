"""A sidecar whose workers are killed now and then: `python -m bench.soak.frail serve ...` is `jrerank-admin serve ...`."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence

from jrerank.admin.app import main
from jrerank.domain import Window
from jrerank.engines import open as opening
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.errors import EngineError

# Of the windows that are scored, so many end the thread that scores them
KILLED = 1 / 2_000


class Killed(BaseException):
    """As a panic in native code arrives: no `except Exception` sees it."""


class FrailEngine(OnnxCpuEngine):
    """Spares only the thread in which the sidecar starts."""

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        if threading.current_thread().name.startswith("jrerank-worker") and random.random() < KILLED:
            raise Killed
        return super().score(windows)


if __name__ == "__main__":
    vars(opening)["OnnxCpuEngine"] = FrailEngine
    main()
