"""Parquet: written in one go, once all rows are there, since a Parquet file that was cut off cannot be read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from jrerank.bulk.outputs.disk import whole_or_not_at_all, written_or_unavailable
from jrerank.bulk.outputs.jsonl import JsonlOutput
from jrerank.bulk.sources.source import Done
from jrerank.domain import Outcome
from jrerank.errors import ConfigurationError, InvalidInput

# Of a row group: some megabytes
_HITS_AT_ONCE = 16_384
_COMPLETE = Outcome.COMPLETE.value


class ParquetOutput:
    """Until the end, rows are lines of `OUTPUT.rows.jsonl`; then they become row groups, and the lines go."""

    def __init__(self, path: Path, check: Callable[[Path], None]) -> None:
        """Open the lines to go on, or begin them, once `check` has found nothing against it.

        Raises:
            InvalidInput: the file is not Parquet, or another run is writing it, or as `check` does.
            ConfigurationError: pyarrow isn't installed.
            OSError: it cannot be written.
        """
        try:
            import pyarrow.parquet  # noqa: F401, PLC0415  an extra
        except ImportError:
            raise ConfigurationError(f"{path} is Parquet: pip install 'jrerank[bulk]'") from None
        self._path = path
        self._lines_path = path.with_name(f"{path.name}.rows.jsonl")
        self._lines = None if path.exists() else JsonlOutput(self._lines_path, check)
        if self._lines is not None and path.exists():  # another run has finished it since
            self._lines.__exit__()
            self._lines = None
        self.is_finished = self._lines is None
        if self._lines is None:
            check(path)
            self.done = _done(path)
            self._lines_path.unlink(missing_ok=True)  # of a run that was killed at the very end
        else:
            self.done = self._lines.done

    def __enter__(self) -> Self:
        """For `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; what was written by `append` stays."""
        if self._lines is not None:
            self._lines.__exit__()

    def append(self, lines: Iterable[dict[str, object]]) -> None:
        """Write lines, and have the disk keep them; see `JsonlOutput.append`."""
        assert self._lines is not None, "a run that is finished has no more rows"  # noqa: S101
        self._lines.append(lines)

    def finish(self) -> None:
        """Make the Parquet file of the lines; it is there whole or not at all.

        Raises:
            Unavailable: the disk is full, or failed; the lines are there.
        """
        if self.is_finished:
            return
        with written_or_unavailable(self._path), whole_or_not_at_all(self._path) as draft:
            _write(self._lines_path, draft)
        self._lines_path.unlink()
        self.is_finished = True


def _done(path: Path) -> Done:
    import pyarrow.compute  # noqa: PLC0415  an extra
    import pyarrow.parquet  # noqa: PLC0415  an extra

    rows = wrong = complete = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["error", "outcome"]):
                rows += batch.num_rows
                wrong += batch.num_rows - batch.column("error").null_count
                complete += pyarrow.compute.equal(batch.column("outcome"), _COMPLETE).true_count
    except (OSError, ValueError, KeyError) as error:
        raise InvalidInput(f"{path} is not the Parquet of a bulk run: {error}", field="output") from None
    return Done(rows, None, wrong, rows - wrong - complete)


def _write(lines: Path, path: Path) -> None:
    import pyarrow.parquet  # noqa: PLC0415  an extra

    schema = _schema(pyarrow)
    with path.open("wb") as file:
        with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            for rows in _some_at_once(lines):
                writer.write_table(pyarrow.Table.from_pylist(rows, schema))
        file.flush()
        os.fsync(file.fileno())


def _some_at_once(path: Path) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    hits = 0
    with path.open("rb") as lines:
        for line in lines:
            rows.append(json.loads(line))
            hits += 1 + len(rows[-1].get("hits", ()))
            if hits >= _HITS_AT_ONCE:
                yield rows
                rows, hits = [], 0
    if rows:
        yield rows


def _schema(pyarrow: Any) -> Any:
    """The fields of a line of JSONL; those that a line lacks are null."""
    text, number, place = pyarrow.string(), pyarrow.float64(), pyarrow.int32()
    hit = {
        "id": text,
        "score": number,
        "rank": place,
        "first_rank": place,
        "first_score": number,
        "scored": pyarrow.bool_(),
        "truncated": pyarrow.bool_(),
        "best_text": place,
        "second_score": number,
    }
    hits = pyarrow.list_(pyarrow.struct(list(hit.items())))
    columns = {"id": text, "outcome": text, "reason": text, "missing": pyarrow.list_(text), "hits": hits}
    second = {"second_read": place, "second_reason": text}
    return pyarrow.schema([*columns.items(), *second.items(), ("error", text)])
