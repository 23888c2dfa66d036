"""One window per run, N workers of one thread each.

No padding, no sorting by length, no batchmates: a score is a function of its window alone, in int8 too, where onnxruntime takes one
activation scale from the whole input.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path

from jrerank.cpu import usable_cores
from jrerank.domain import Window
from jrerank.engines.engine import BatchLimit
from jrerank.engines.onnx_cpu.denormals import flush_denormals
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.errors import EngineError


class OnnxCpuEngine:
    """One session, shared by all workers: the weights are in memory once."""

    name = "onnx_cpu"
    batch_limit = BatchLimit(windows=1, tokens=0)

    def __init__(self, graph: Path, workers: int, passage_type: int = 0) -> None:
        """Load `graph`, whose windows have passages of the token type `passage_type`.

        Raises:
            ArtifactError: onnxruntime does not accept the file.
        """
        self.workers = workers
        # The system interrupts the others' runs for it. Who asks for fewer workers wants the other cores left alone
        self.spare_workers = int(workers >= usable_cores())
        self._graph = Graph(graph, passage_type)
        self._prepared = threading.local()

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        """See `Engine.score`."""
        if not hasattr(self._prepared, "flushes"):
            self._prepared.flushes = flush_denormals()
        return [self._logit(window) for window in windows]

    def _logit(self, window: Window) -> float | EngineError:
        try:
            logit = self._graph.logit(window)
        except Exception as error:  # noqa: BLE001  onnxruntime's errors have no common class
            return EngineError(
                f"onnxruntime failed on a window of {len(window)} tokens: {_first_line(error)}"
            )
        if not math.isfinite(logit):
            return EngineError(f"the model gave {logit} for a window of {len(window)} tokens")
        return logit


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
