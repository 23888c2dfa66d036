"""What a store is: passage text by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class PassageStore(Protocol):
    """Fetches passages. One call is one round trip."""

    @property
    def returns_text(self) -> bool:
        """Whether the passages may go back to a caller."""
        ...

    async def fetch(self, ids: Sequence[str], timeout_s: float) -> Mapping[str, str]:
        """The passages of `ids`; an id that the store does not have is left out.

        Raises:
            StoreError: the store failed.
            TimeoutError: it did not answer within `timeout_s`.
        """
        ...

    async def check(self) -> None:
        """Ask the store for nothing, to see whether it answers.

        Raises:
            StoreError: it does not.
        """
        ...

    async def close(self) -> None:
        """Give back its connections."""
        ...
