"""What the C library keeps of memory that was freed."""

from __future__ import annotations

import subprocess
import sys

# Blocks of a thread's arena, every tenth of which is kept; in a process of its own, whose allocator is as it was
_LEAVE_HOLES = """
import threading
from pathlib import Path
from jrerank.allocator import return_freed_memory, return_large_blocks

def pages():
    return int(Path("/proc/self/statm").read_text().split()[1])

def work():
    bytes(33_000_000)  # after which glibc would keep blocks of up to that size
    before.append(pages())
    small = [bytearray(b"x" * 20_000) for _ in range(2_000)]
    kept.extend(small[::10])
    large = [bytearray(b"x" * 6_000_000) for _ in range(2)]
    del large[:], small
    return_freed_memory()
    after.append(pages())

before, after, kept = [], [], []
return_large_blocks()
thread = threading.Thread(target=work)
thread.start()
thread.join()
print((after[0] - before[0]) * 4096)
"""


def test_what_lies_free_between_kept_blocks_and_at_an_arenas_end_goes_back() -> None:
    ran = subprocess.run([sys.executable, "-c", _LEAVE_HOLES], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 12_000_000, "4 MB are kept, and 48 MB were freed"
