"""How much memory a process of this machine holds, once a second."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jrerank.errors import InvalidInput

_EVERY_S = 1.0


@dataclass(slots=True)
class Memory:
    """What a process held, second by second, and whether it ended meanwhile. Without a process: nothing."""

    resident_bytes: list[int] = field(default_factory=list)
    has_ended: bool = False

    def growth_bytes(self) -> int | None:
        """In the second half; None of a process that ended, whose last seconds say nothing about the others."""
        if self.has_ended or not self.resident_bytes:
            return None
        half = self.resident_bytes[len(self.resident_bytes) // 2 :]
        return half[-1] - half[0]


def resident_bytes(pid: int) -> int:
    """What a process has in memory.

    Raises:
        InvalidInput: there is no such process, or it has ended and nobody has asked how.
    """
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        pages = 0
    if pages == 0:
        raise InvalidInput(f"there is no process {pid} to measure the memory of", field="pid")
    return pages * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def watched_memory(pid: int | None) -> AsyncIterator[Memory]:
    """It grows while the context is open.

    Raises:
        InvalidInput: there is no such process.
    """
    memory = Memory()
    if pid is None:
        yield memory
        return
    memory.resident_bytes.append(resident_bytes(pid))
    task = asyncio.create_task(_watch(pid, memory))
    try:
        yield memory
    finally:
        task.cancel()


async def _watch(pid: int, memory: Memory) -> None:
    while not memory.has_ended:
        await asyncio.sleep(_EVERY_S)
        try:
            memory.resident_bytes.append(resident_bytes(pid))
        except InvalidInput:
            memory.has_ended = True
