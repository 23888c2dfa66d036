"""What became of the honest callers' requests."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field

MOST_EXAMPLES = 10


@dataclass
class Tally:
    """`failures` are answers that are wrong, short or not there; a refusal with its reason is none."""

    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    examples: list[str] = field(default_factory=list)
    _took_s: list[float] = field(default_factory=list)

    def answer(self, kind: str, outcome: str, took_s: float) -> None:
        """A whole answer."""
        self.answered[f"{kind} {outcome}"] += 1
        self._took_s.append(took_s)

    def refuse(self, kind: str, reason: str) -> None:
        """One that says that it can't be done now."""
        self.refused[f"{kind} {reason}"] += 1

    def fail(self, kind: str, what: str) -> None:
        """What must not happen."""
        self.failures += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(f"{kind}: {what}")

    def percentiles_ms(self) -> tuple[float, float]:
        """p50 and p99 of the answers since the last call."""
        took_s, self._took_s = self._took_s, []
        if len(took_s) < 2:
            return 0.0, 0.0
        cuts = statistics.quantiles(took_s, n=100)
        return cuts[49] * 1000, cuts[98] * 1000
