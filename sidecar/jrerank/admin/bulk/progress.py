"""What somebody who waits is shown."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jrerank.bulk.report import BulkReport
    from jrerank.bulk.sources.source import Done

# Where nobody watches, a line goes to the log so often
_LINE_EVERY_S = 60.0


def summary(report: BulkReport) -> str:
    """One line for people, and one for each of the first rows that were wrong."""
    parts = [f"{report.rows} rows, {report.pairs} pairs in {report.seconds:.1f} s"]
    if report.seconds and report.pairs:
        speeds = report.pairs / report.seconds, report.tokens / report.seconds
        parts[0] += f" ({speeds[0]:.0f} pairs/s, {speeds[1]:.0f} tokens/s)"
    if report.before.rows:
        parts.append(f"{report.before.rows} rows were done before{_failed(report.before)}")
    if report.wrong_rows:
        parts.append(f"{report.wrong_rows} rows were wrong")
    if report.incomplete_rows:
        parts.append(f"{report.incomplete_rows} rows were not scored whole")
    return "\n".join(["; ".join(parts), *report.wrong])


def _failed(before: Done) -> str:
    """They are not scored anew, so whoever goes on is told of them once more."""
    counts = {"wrong": before.wrong_rows, "not scored whole": before.incomplete_rows}
    told = ", ".join(f"{count} {how}" for how, count in counts.items() if count)
    return f" ({told})" if told else ""


class Bar:
    """A progress bar with the time left; a line a minute where stderr is no terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._watched = sys.stderr.isatty()
        self._progress = Progress(
            BarColumn(),
            TextColumn("{task.percentage:.1f} %, {task.fields[pairs]} pairs, {task.fields[speed]}/s, left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not self._watched,
        )
        self._task = self._progress.add_task("", total=None, pairs=0, speed=0)
        self._first: tuple[float, int] | None = None
        self._line_at = time.monotonic()

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, position: int, size: int, report: BulkReport) -> None:
        """See `Progress` of the report."""
        speed = round(report.pairs / max(report.seconds, 1e-9))
        self._progress.update(self._task, completed=position, total=size, pairs=report.pairs, speed=speed)
        now = time.monotonic()
        self._first = self._first or (now, position)
        if not self._watched and now - self._line_at >= _LINE_EVERY_S:
            self._line_at = now
            left = time_left(now - self._first[0], position - self._first[1], size - position)
            sys.stderr.write(
                f"{100 * position / max(1, size):.1f} %, {report.pairs} pairs, {speed}/s, {left} left\n"
            )


def time_left(seconds: float, done: int, left: int) -> str:
    """As h:mm:ss, if the rest goes as what was done in so many seconds."""
    return str(timedelta(seconds=round(seconds / done * left))) if done else "-:--:--"
