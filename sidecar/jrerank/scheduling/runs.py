"""One batch through an engine, whatever the engine does."""

from __future__ import annotations

from collections.abc import Sequence

from jrerank.domain import Window
from jrerank.engines.engine import Engine
from jrerank.errors import EngineError
from jrerank.telemetry import logger

_LOG = logger(__name__)


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
