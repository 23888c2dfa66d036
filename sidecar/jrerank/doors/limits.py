"""What every door refuses, whatever its dialect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jrerank.errors import InputTooLong


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest request that is accepted, and how much all requests together may hold."""

    body_bytes: int
    documents: int
    query_chars: int
    passage_chars: int
    open_body_bytes: int = 128 * 1024 * 1024

    def check_query(self, query: str, field: str = "query") -> None:
        """Refuse a query that is too long.

        Raises:
            InputTooLong: names `field`.
        """
        if len(query) > self.query_chars:
            raise InputTooLong(
                f"{field} has {len(query)} characters; at most {self.query_chars} are accepted", field=field
            )

    def check_passages(self, passages: Sequence[str | None], field: str) -> None:
        """Refuse too many passages, or one that is too long.

        Raises:
            InputTooLong: names `field`, with the passage's index.
        """
        if len(passages) > self.documents:
            raise InputTooLong(
                f"{field} has {len(passages)} entries; at most {self.documents} are accepted", field=field
            )
        for index, passage in enumerate(passages):
            if passage is not None and len(passage) > self.passage_chars:
                raise InputTooLong(
                    f"{field}.{index} has {len(passage)} characters; at most {self.passage_chars} are accepted",
                    field=f"{field}.{index}",
                )
