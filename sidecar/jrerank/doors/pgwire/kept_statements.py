"""The named statements of all connections together: a few connections could keep all memory for as long as they last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

# Of the memory that open bodies share
_SHARE = 4
_Key = tuple[int, str]


def most_kept_bytes(open_body_bytes: int) -> int:
    """How much they may take where open bodies may take so much."""
    return open_body_bytes // _SHARE


class KeptStatements:
    """Counts them, and has those forgotten that were used longest ago."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._used_bytes = 0
        self._kept: OrderedDict[_Key, tuple[int, Callable[[], None]]] = OrderedDict()

    def keep(self, owner: object, name: str, size: int, forget: Callable[[], None]) -> None:
        """One more of `owner`'s; `forget` is called when it has to go, and calls `drop`."""
        while self._kept and self._used_bytes + size > self._max_bytes:
            _, forget_oldest = next(iter(self._kept.values()))
            forget_oldest()
        self._kept[id(owner), name] = size, forget
        self._used_bytes += size

    def use(self, owner: object, name: str) -> None:
        """It has been used just now."""
        if (id(owner), name) in self._kept:
            self._kept.move_to_end((id(owner), name))

    def drop(self, owner: object, name: str) -> None:
        """It is no longer kept."""
        size, _ = self._kept.pop((id(owner), name), (0, None))
        self._used_bytes -= size
