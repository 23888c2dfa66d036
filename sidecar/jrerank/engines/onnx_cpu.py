"""onnxruntime on the CPU: one pair per run, N workers of one thread each.

No padding, no sorting by length, no batchmates: a score is a function of its pair alone, in int8 too, where onnxruntime takes one
activation scale from the whole input.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path

from jrerank.domain import TokenIds
from jrerank.engines.denormals import flush_denormals
from jrerank.engines.engine import RunLimit
from jrerank.errors import EngineError
from jrerank.models.session import open_session, run_pair


class OnnxCpuEngine:
    """One session, shared by all workers: the weights are in memory once."""

    name = "onnx_cpu"
    run_limit = RunLimit(pairs=1, tokens=0)

    def __init__(self, graph: Path, workers: int) -> None:
        """Load `graph`.

        Raises:
            ArtifactError: onnxruntime does not accept the file.
        """
        self.workers = workers
        self._session = open_session(graph)
        self._prepared = threading.local()

    def run(self, pairs: Sequence[TokenIds]) -> list[float]:
        """See `Engine.run`."""
        if not hasattr(self._prepared, "flushes"):
            self._prepared.flushes = flush_denormals()
        return [self._logit(ids) for ids in pairs]

    def _logit(self, ids: TokenIds) -> float:
        try:
            logit = run_pair(self._session, ids)
        except Exception as error:
            raise EngineError(f"onnxruntime failed on a pair of {len(ids)} tokens: {error}") from error
        if not math.isfinite(logit):
            raise EngineError(f"the model gave {logit} for a pair of {len(ids)} tokens")
        return logit
