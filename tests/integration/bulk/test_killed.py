"""A run that is killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

from bulk_rows import command, lines, reranked, write_rows


def killed_when_it_writes(arguments: list[str], environment: dict[str, str], output: Path) -> None:
    size = output.stat().st_size if output.exists() else 0
    run = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 60
    while not output.exists() or output.stat().st_size == size:
        assert run.poll() is None, "the run was over before it was killed"
        assert time.monotonic() < give_up
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()


async def test_a_run_that_is_killed_twice_loses_no_row_and_has_none_twice(
    tiny_folder: Path, tmp_path: Path
) -> None:
    source, output, undisturbed = (tmp_path / name for name in ("in.jsonl", "out.jsonl", "undisturbed.jsonl"))
    rows = 600
    write_rows(source, rows)
    arguments, variables = command(tiny_folder, source, output)
    environment = os.environ | variables
    for _ in range(2):
        killed_when_it_writes(arguments, environment, output)
    done = await asyncio.to_thread(
        subprocess.run, arguments, env=environment, capture_output=True, text=True, check=True
    )
    assert "rows were done before" in done.stderr
    await reranked(tiny_folder, source, undisturbed)
    assert output.read_bytes() == undisturbed.read_bytes()
    assert len(lines(output)) == rows
