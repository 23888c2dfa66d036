"""Which of our threads the system runs first. On Linux each thread has a priority of its own; elsewhere nothing is done."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
import threading

# The number of the system call `sched_setattr`, which Python has no function for
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
# Of `struct sched_attr`: size, policy, flags, niceness, priority, runtime, deadline, period
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")
_NORMAL_POLICY, _RESET_ON_FORK = 0, 1
# The least that the system takes
_SLICE_NS = 100_000


def yield_to_others(niceness: int) -> None:
    """Let the calling thread have less of a core that it shares, as `nice` does."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


def run_promptly() -> None:
    """Let the calling thread run as soon as it is woken up, also where others compute on every core. Its share stays what it is.

    A thread asks for short slices by that, and Linux 6.12 and later interrupts those with longer ones for it. Without it the thread
    waits for the end of theirs: 2 ms mostly, 10 ms now and then. Threads that it starts have ordinary slices.
    """
    number = _SCHED_SETATTR.get(platform.machine()) if sys.platform == "linux" else None
    if number is None:
        return
    with contextlib.suppress(OSError):  # a C library or a sandbox may have none of these calls
        _ask_for_short_slices(number, threading.get_native_id())


def _ask_for_short_slices(number: int, thread: int) -> None:
    if os.sched_getscheduler(thread) != os.SCHED_OTHER:  # somebody has chosen another policy for the process
        return
    niceness = os.getpriority(os.PRIO_PROCESS, thread)
    if niceness < 0:  # what the thread starts would lose it with the slices
        return
    attributes = _ATTRIBUTES.pack(
        _ATTRIBUTES.size, _NORMAL_POLICY, _RESET_ON_FORK, niceness, 0, _SLICE_NS, 0, 0
    )
    # Where it is not allowed, or the system too old for it, slices stay as they are
    ctypes.CDLL(None).syscall(number, thread, ctypes.c_char_p(attributes), 0)
