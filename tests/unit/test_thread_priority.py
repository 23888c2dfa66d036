"""What the system says of a thread's priority."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jrerank.thread_priority import run_promptly, yield_to_others

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def slice_ns() -> int:
    """Of the calling thread, where the kernel tells it."""
    file = Path("/proc/thread-self/sched")
    match = re.search(r"se\.slice\s*:\s*(\d+)", file.read_text()) if file.exists() else None
    if match is None:
        pytest.skip("this kernel tells no slices")
    return int(match[1])


def in_a_thread(*steps: Callable[[], object]) -> list[object]:
    """What each step gives, one after the other in a thread that ends with them."""
    with ThreadPoolExecutor(1) as thread:
        return [thread.submit(step).result() for step in steps]


def test_a_thread_has_less_of_a_core_and_the_others_as_much_as_before() -> None:
    before = niceness()
    *_, in_thread = in_a_thread(lambda: yield_to_others(before + 1), niceness)
    assert in_thread == before + 1
    assert niceness() == before


def test_who_runs_promptly_has_no_larger_share() -> None:
    before, _, after = in_a_thread(niceness, run_promptly, niceness)
    assert after == before


def test_who_runs_promptly_has_short_slices_and_threads_that_it_starts_have_not() -> None:
    before, _, after, of_its_thread = in_a_thread(
        slice_ns, run_promptly, slice_ns, lambda: in_a_thread(slice_ns)[0]
    )
    assert (after, of_its_thread) == (100_000, before)


def test_where_the_system_has_no_such_call_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "sched_getscheduler", missing)
    before, _, after = in_a_thread(niceness, run_promptly, niceness)
    assert after == before
