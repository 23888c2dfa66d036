"""How fast the machine is at this moment: a fixed computation that no change of ours can make faster or slower."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

from jrerank.cpu import usable_cores

_BYTES = 16_000_000


class Yardstick:
    """Hashes on every core, as the engine's workers have them, a few tens of milliseconds long.

    No matrix product: its library's own threads would wait for one another on a busy machine, and tell of that.
    """

    def __init__(self) -> None:
        self._bytes = bytes(_BYTES)
        self._workers = usable_cores()
        self._pool = ThreadPoolExecutor(self._workers)
        self.measure()

    def measure(self) -> float:
        """Seconds of one go, the time that others took from it included."""
        started = time.perf_counter()
        list(self._pool.map(hashlib.blake2b, [self._bytes] * self._workers))
        return time.perf_counter() - started

    def close(self) -> None:
        """End its threads."""
        self._pool.shutdown()
