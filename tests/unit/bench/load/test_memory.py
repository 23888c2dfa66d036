"""What a process held during a run, and what is not said of one that ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from jrerank.bench.load import memory as module
from jrerank.bench.load.memory import Memory, resident_bytes, watched_memory
from jrerank.bench.load.record import Record
from jrerank.bench.load.report import Run, load_report
from jrerank.errors import InvalidInput


def figures_and_notes(memory: Memory) -> tuple[dict[str, float], str]:
    report = load_report(Run(Record(), 1.0, 6.0, 1000, "target", memory))
    figures = {one.name: one.value for one in report.systems[0].figures if one.name.startswith("memory")}
    return figures, " ".join(report.notes)


def test_growth_is_of_the_second_half() -> None:
    figures, notes = figures_and_notes(Memory([1, 5, 6, 8]))
    assert figures == {"memory": 8, "memory growth in the second half": 2}
    assert "ended" not in notes


def test_of_a_process_that_ended_there_is_no_growth_but_a_word_about_it() -> None:
    figures, notes = figures_and_notes(Memory([1, 5, 6, 2], has_ended=True))
    assert figures == {"memory": 6}
    assert "the process whose memory was watched ended during the run" in notes


def test_without_a_process_nothing_is_said() -> None:
    assert figures_and_notes(Memory()) == (
        {},
        "latencies are from when a request was due, not from when it was sent",
    )


@pytest.fixture
def ended_process() -> Iterator[int]:
    """Nobody has asked yet how it ended: the system still lists it."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        yield process.pid


async def test_a_process_that_ends_is_noticed(ended_process: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVERY_S", 0.0)
    memory = Memory([7])
    await module._watch(ended_process, memory)
    assert memory == Memory([7], has_ended=True)


async def test_without_a_process_nothing_is_watched() -> None:
    async with watched_memory(None) as memory:
        assert memory == Memory()


def test_a_process_that_is_not_there_has_no_memory() -> None:
    assert resident_bytes(os.getpid()) > 10_000_000
    with pytest.raises(InvalidInput, match="no process 4194305"):
        resident_bytes(4_194_305)
