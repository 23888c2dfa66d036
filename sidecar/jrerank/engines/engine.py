"""What an engine is: windows in, logits out. It knows nothing of texts, requests or deadlines.

Whoever has windows calls `score_each`, whatever an engine does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jrerank.domain import Window
from jrerank.errors import EngineError
from jrerank.telemetry import logger

_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class BatchLimit:
    """How much one batch may hold. A batch of one window may have any number of tokens."""

    windows: int
    tokens: int


class Engine(Protocol):
    """Scores windows. `score` is called from `workers` threads at once, and `spare_workers` more, which are kept for it: it may
    change how they compute."""

    @property
    def name(self) -> str:
        """As it is shown in `/info`."""
        ...

    @property
    def workers(self) -> int:
        """How many threads may call `score` at the same time, and keep the machine busy by that."""
        ...

    @property
    def spare_workers(self) -> int:
        """How many more may call it meanwhile, and share the machine with them: of use where a run can't be interrupted."""
        ...

    @property
    def batch_limit(self) -> BatchLimit:
        """How much to give to one `score`."""
        ...

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        """For each window, in order, its logit, which is finite, or why there is none."""
        ...


def least_limit(engines: Sequence[Engine]) -> BatchLimit:
    """What every one of them takes."""
    limits = [engine.batch_limit for engine in engines]
    return BatchLimit(min(limit.windows for limit in limits), min(limit.tokens for limit in limits))


def score_each(engine: Engine, windows: Sequence[Window]) -> list[float | EngineError]:
    """A logit or an error for each window. A batch that fails as a whole is split until the culprit is alone."""
    try:
        results = engine.score(windows)
        if len(results) != len(windows):
            raise EngineError(f"the engine gave {len(results)} results for {len(windows)} windows")
    except BaseException as error:  # noqa: BLE001  native code raises what isn't an Exception, too
        if len(windows) == 1:
            _LOG.error("run_failed", tokens=len(windows[0]), error=f"{type(error).__name__}: {error}")
            return [
                error if isinstance(error, EngineError) else EngineError(f"{type(error).__name__}: {error}")
            ]
        middle = len(windows) // 2
        return [*score_each(engine, windows[:middle]), *score_each(engine, windows[middle:])]
    return results
