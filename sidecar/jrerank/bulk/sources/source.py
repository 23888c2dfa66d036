"""Rows of queries with passages, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row as it was read: `text` is a JSON object.

    `number` is from 1; `position` is how far into the source it ends. `place` is for people: `line 12 of in.jsonl`. `key` is the
    row's id where the source is ordered by one. `wrong` says what of the row could not be read, and isn't in `text`.
    """

    number: int
    text: bytes
    position: int
    place: str = ""
    key: str | None = None
    wrong: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """How many rows an earlier run has done, and the id of the last of them. Some were wrong, or were not scored whole."""

    rows: int = 0
    last_id: str | None = None
    wrong_rows: int = 0
    incomplete_rows: int = 0


NOTHING_DONE = Done()


class Source(Protocol):
    """What is reranked. `size` is in the unit of `SourceRow.position`; `fingerprint` tells it from another."""

    @property
    def size(self) -> int:
        """How much there is."""
        ...

    @property
    def rows_now(self) -> int | None:
        """How many there are, where they may become more or fewer under the same fingerprint."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes where a run could not go on."""
        ...

    def rows(self, done: Done = NOTHING_DONE) -> Iterator[SourceRow]:
        """The rows behind those that are done. It waits for disks and servers: not for the event loop.

        Raises:
            InvalidInput: it cannot be read, or is no longer what the rows that are done were of.
            Unavailable: a server does not answer.
        """
        ...
