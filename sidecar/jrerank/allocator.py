"""The C library's allocator, and what it keeps of memory that was freed. Only glibc keeps much, and only there is anything done."""

from __future__ import annotations

import ctypes
import functools
import mmap
import sys
from pathlib import Path

# Names and numbers of glibc's malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# More than the tensors of a window have, which are made anew for each window, and less than a large body
_LARGE_BYTES = 4 * 1024 * 1024


def return_large_blocks() -> None:
    """Let each large block go back to the system as soon as it is freed.

    By itself glibc keeps, after the first body of 32 MB, everything up to that size, and 64 MB at the end of each arena.
    """
    libc = _glibc()
    if libc is not None:
        for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            libc.mallopt(option, _LARGE_BYTES)


def return_freed_memory() -> None:
    """Give the system what lies free between blocks that are in use. It takes some milliseconds, without the interpreter's lock."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def resident_bytes() -> int:
    """What the process holds, where Linux tells; else 0."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * mmap.PAGESIZE


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None
