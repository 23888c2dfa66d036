"""What a process holds, over time, and whether that stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jrerank.bench.load.memory import resident_bytes

MORE_MEMORY, MORE_FILES, MORE_THREADS = 1.10, 20, 2


@dataclass(frozen=True, slots=True)
class Sample:
    """At `second` of the soak."""

    second: float
    resident_bytes: int
    files: int
    threads: int

    @classmethod
    def of(cls, pid: int, second: float) -> Sample:
        """Of a process of this machine, on Linux."""
        process = Path("/proc") / str(pid)
        files = len(list((process / "fd").iterdir()))
        return cls(second, resident_bytes(pid), files, len(list((process / "task").iterdir())))


def growth(samples: Sequence[Sample]) -> list[str]:
    """What never comes back, in the last quarter, to what it was in the second one: the first is for warming up.

    The least of each quarter counts, since attacks come and go.
    """
    quarter = len(samples) // 4
    if quarter == 0:
        return []
    before, after = samples[quarter : 2 * quarter], samples[-quarter:]
    found = []
    for what, factor, more in (
        ("resident_bytes", MORE_MEMORY, 0),
        ("files", 1.0, MORE_FILES),
        ("threads", 1.0, MORE_THREADS),
    ):
        was, now = (min(getattr(one, what) for one in part) for part in (before, after))
        if now > was * factor + more:
            found.append(f"{what} grew from {was} to {now}")
    return found
