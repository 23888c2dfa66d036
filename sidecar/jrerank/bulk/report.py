"""What became of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

# So many rows that are wrong are named; all of them are in the output
_NAMED = 5


@dataclass(slots=True)
class BulkReport:
    """`resumed_rows` had been done before; `wrong` says of the first rows that were wrong what is wrong with them."""

    resumed_rows: int = 0
    rows: int = 0
    pairs: int = 0
    tokens: int = 0
    wrong_rows: int = 0
    incomplete_rows: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def count_wrong(self, message: str) -> None:
        """One more row that is wrong."""
        self.wrong_rows += 1
        if len(self.wrong) < _NAMED:
            self.wrong.append(message)


# Is called with the position in the source, the source's size, and the report so far
Progress = Callable[[int, int, BulkReport], None]
