"""Several devices as one engine."""

from __future__ import annotations

from collections.abc import Sequence
from queue import SimpleQueue

from jrerank.domain import Window
from jrerank.engines.engine import BatchLimit, Engine, least_limit
from jrerank.errors import EngineError


class Replicas:
    """Equal engines, one per device. A batch goes to whichever has room first."""

    spare_workers = 0

    def __init__(self, engines: Sequence[Engine]) -> None:
        self.name = engines[0].name
        self.workers = sum(engine.workers for engine in engines)
        self._engines = engines
        self._free: SimpleQueue[Engine] = SimpleQueue()
        for place in range(max(engine.workers for engine in engines)):
            for engine in engines:
                if place < engine.workers:
                    self._free.put(engine)

    @property
    def batch_limit(self) -> BatchLimit:
        """What every one of them takes."""
        return least_limit(self._engines)

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        """See `Engine.score`."""
        engine = self._free.get()
        try:
            return engine.score(windows)
        finally:
            self._free.put(engine)
