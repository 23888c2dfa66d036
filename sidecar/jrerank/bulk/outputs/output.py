"""What takes the rows of a run."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Protocol, Self

from jrerank.bulk.outputs.jsonl import JsonlOutput
from jrerank.bulk.outputs.parquet import ParquetOutput
from jrerank.bulk.outputs.run_note import check_run
from jrerank.bulk.sources.source import Done, Source
from jrerank.errors import InvalidInput

Line = dict[str, object]


class Output(Protocol):
    """One line for each row, in the rows' order. `done` are those of earlier runs; `is_finished`: there are no others."""

    @property
    def done(self) -> Done:
        """What is there."""
        ...

    @property
    def is_finished(self) -> bool:
        """Whether an earlier run has come to its end."""
        ...

    def append(self, lines: Iterable[Line]) -> None:
        """Write lines, and have the disk keep them.

        Raises:
            Unavailable: it is full, or failed; the next run goes on behind the last whole line.
        """
        ...

    def finish(self) -> None:
        """All rows are there. It raises `Unavailable` as `append` does."""
        ...

    def __enter__(self) -> Self:
        """For `with`."""
        ...

    def __exit__(self, *_: object) -> None:
        """Close it; what was written by `append` stays."""
        ...


def open_output(path: Path, run: dict[str, str]) -> Output:
    """Open `path` to go on, or begin it.

    Raises:
        InvalidInput: the file is of another run, or not of a run at all, or another run is writing it, or it cannot be written.
        ConfigurationError: it is Parquet, and pyarrow isn't installed.
    """
    try:
        check = partial(check_run, path, run)
        return ParquetOutput(path, check) if path.suffix == ".parquet" else JsonlOutput(path, check)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error}", field="output") from None


def check_nothing_new(output: Output, source: Source, path: Path) -> None:
    """Refuse rows that have come, or gone, since a run came to its end: to an output that takes no more they would be lost.

    Raises:
        InvalidInput: there are other rows than in `output`.
    """
    if output.is_finished and source.rows_now not in (None, output.done.rows):
        raise InvalidInput(
            f"{path} is finished with {output.done.rows} rows, and there are {source.rows_now} now: a Parquet file takes no more."
            " Name another output",
            field="output",
        )
