"""How much memory a process of this machine holds, once a second."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from jrerank.errors import InvalidInput


def resident_bytes(pid: int) -> int:
    """What a process has in memory.

    Raises:
        InvalidInput: there is no such process.
    """
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        raise InvalidInput(f"there is no process {pid} to measure the memory of", field="pid") from None
    return pages * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def memory_samples(pid: int | None) -> AsyncIterator[list[int]]:
    """A list that grows while the context is open; empty without a process."""
    samples: list[int] = []
    if pid is None:
        yield samples
        return
    samples.append(resident_bytes(pid))
    task = asyncio.create_task(_sample(pid, samples))
    try:
        yield samples
    finally:
        task.cancel()


async def _sample(pid: int, samples: list[int]) -> None:
    while True:
        await asyncio.sleep(1.0)
        try:
            samples.append(resident_bytes(pid))
        except InvalidInput:
            return
