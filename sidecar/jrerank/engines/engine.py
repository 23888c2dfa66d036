"""What an engine is: token ids in, logits out. It knows nothing of texts, requests or deadlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jrerank.domain import TokenIds


@dataclass(frozen=True, slots=True)
class RunLimit:
    """How much one run may hold. A run that holds one pair may have any number of tokens."""

    pairs: int
    tokens: int


class Engine(Protocol):
    """Scores pairs. `run` is called from `workers` threads at once."""

    @property
    def name(self) -> str:
        """As it is shown in `/info`."""
        ...

    @property
    def workers(self) -> int:
        """How many threads may call `run` at the same time."""
        ...

    @property
    def run_limit(self) -> RunLimit:
        """How much to give to one `run`."""
        ...

    def run(self, pairs: Sequence[TokenIds]) -> list[float]:
        """The logits of `pairs`, each the token ids of a query and a window of a passage.

        Raises:
            EngineError: a logit could not be computed.
        """
        ...
