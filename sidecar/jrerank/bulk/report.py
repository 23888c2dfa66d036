"""What became of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from jrerank.bulk.sources.source import NOTHING_DONE, Done

# So many rows that are wrong are named; all of them are in the output
_NAMED = 5


@dataclass(slots=True)
class BulkReport:
    """`before` is what earlier runs have done; `wrong` says of the first rows that were wrong what is wrong with them."""

    before: Done = NOTHING_DONE
    rows: int = 0
    pairs: int = 0
    tokens: int = 0
    wrong_rows: int = 0
    incomplete_rows: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def failed_rows(self) -> int:
        """Rows of the output, this run's or earlier ones', that have no scores, or not all."""
        earlier = self.before.wrong_rows + self.before.incomplete_rows
        return earlier + self.wrong_rows + self.incomplete_rows

    def count_wrong(self, message: str) -> None:
        """One more row that is wrong."""
        self.wrong_rows += 1
        if len(self.wrong) < _NAMED:
            self.wrong.append(message)


# Is called with the position in the source, the source's size, and the report so far
Progress = Callable[[int, int, BulkReport], None]
