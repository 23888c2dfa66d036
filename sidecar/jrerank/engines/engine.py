"""What an engine is: windows in, logits out. It knows nothing of texts, requests or deadlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jrerank.domain import Window
from jrerank.errors import EngineError


@dataclass(frozen=True, slots=True)
class BatchLimit:
    """How much one batch may hold. A batch of one window may have any number of tokens."""

    windows: int
    tokens: int


class Engine(Protocol):
    """Scores windows. `score` is called from `workers` threads at once, which are kept for it: it may change how they compute."""

    @property
    def name(self) -> str:
        """As it is shown in `/info`."""
        ...

    @property
    def workers(self) -> int:
        """How many threads may call `score` at the same time."""
        ...

    @property
    def batch_limit(self) -> BatchLimit:
        """How much to give to one `score`."""
        ...

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        """For each window, in order, its logit, which is finite, or why there is none."""
        ...
