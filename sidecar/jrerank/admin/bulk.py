"""`bulk`: a file of queries with passages, of any size."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.options import (
    FAILED,
    DeviceOption,
    EngineOption,
    ModelOption,
    PrecisionOption,
    RevisionOption,
    plain_errors,
)
from jrerank.settings import Settings

if TYPE_CHECKING:
    from jrerank.bulk.run import BulkReport


def bulk(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="JSONL, JSONL.gz or Parquet")],
    output: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="JSONL; a run that was cut off goes on here")
    ],
    store: Annotated[
        str | None, typer.Option(help="take texts that a row doesn't give from this store, by id")
    ] = None,
    model: ModelOption = None,
    revision: RevisionOption = None,
    engine: EngineOption = None,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
) -> None:
    """Rerank a file: each row has a `query` and `hits` as in /v1/hits, or `passages` as plain texts.

    Every row of INPUT is one line of OUTPUT, in the same order, with the scores that the sidecar would give. The same command goes
    on where a run was cut off. Exit code 1 if a row was wrong or could not be scored whole; its line says why.

    Example: jrerank-admin bulk questions.jsonl reranked.jsonl --model bundled
    """
    from jrerank.bulk.run import rerank_file
    from jrerank.telemetry import configure_logging

    configure_logging("warning", "console")
    with plain_errors():
        settings = Settings.load(
            model=model, revision=revision, engine=engine, device=device, precision=precision
        )
        with _Bar() as bar:
            report = asyncio.run(rerank_file(settings, source, output, store, bar.show))
    sys.stderr.write(f"{summary(report)}\n")
    if report.wrong_rows or report.incomplete_rows:
        raise typer.Exit(FAILED)


def summary(report: BulkReport) -> str:
    """One line for people."""
    parts = [f"{report.rows} rows, {report.pairs} pairs in {report.seconds:.1f} s"]
    if report.seconds and report.pairs:
        speeds = report.pairs / report.seconds, report.tokens / report.seconds
        parts[0] += f" ({speeds[0]:.0f} pairs/s, {speeds[1]:.0f} tokens/s)"
    if report.resumed_rows:
        parts.append(f"{report.resumed_rows} rows were done before")
    if report.wrong_rows:
        parts.append(f"{report.wrong_rows} rows were wrong")
    if report.incomplete_rows:
        parts.append(f"{report.incomplete_rows} rows were not scored whole")
    return "; ".join(parts)


class _Bar:
    """A progress bar with the time left, where somebody watches."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            BarColumn(),
            TextColumn("{task.percentage:.1f} %, {task.fields[pairs]} pairs, {task.fields[speed]}/s, left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task("", total=None, pairs=0, speed=0)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, position: int, size: int, report: BulkReport) -> None:
        """See `Progress` of the run."""
        speed = round(report.pairs / max(report.seconds, 1e-9))
        self._progress.update(self._task, completed=position, total=size, pairs=report.pairs, speed=speed)
