"""Rows as Ray Data carries them from stage to stage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import mkstemp
from typing import Any

import pyarrow as pa
from ray.data import Datasource, ReadTask
from ray.data.block import BlockMetadata

from jrerank.bulk.sources.source import Done, Source, SourceRow
from jrerank.errors import Unavailable

_ROWS_AT_ONCE = 32
_SOURCE = {
    "number": pa.int64(),
    "text": pa.binary(),
    "position": pa.int64(),
    "place": pa.string(),
    "key": pa.string(),
    "wrong": pa.string(),
}
READ = pa.schema(list(_SOURCE.items()))
# `lengths` and `ids` are those of the row's passages, as `packed`
TOKENIZED = pa.schema([*_SOURCE.items(), ("lengths", pa.binary()), ("ids", pa.binary())])
SCORED = pa.schema(
    {
        "number": pa.int64(),
        "line": pa.string(),
        "position": pa.int64(),
        "pairs": pa.int64(),
        "tokens": pa.int64(),
        "incomplete": pa.bool_(),
        "wrong": pa.string(),
    }.items()
)


def fields_of(row: SourceRow) -> dict[str, Any]:
    """As a row of `READ`."""
    return {name: getattr(row, name) for name in _SOURCE}


def source_row(fields: dict[str, Any]) -> SourceRow:
    """Back from a row of `READ` or `TOKENIZED`."""
    return SourceRow(**{name: fields[name] for name in _SOURCE})


class RowSource(Datasource):  # type: ignore[misc]  # ray is an extra, and has no types
    """A source whose rows one task reads, in their order, on the machine where the command runs.

    It is read once: where Ray begins anew for a worker that it lost, a server's rows could be others by then.
    """

    def __init__(self, source: Source, done: Done) -> None:
        super().__init__()
        self._source, self._done = source, done
        handle, unread = mkstemp(prefix="jrerank-unread-")
        os.close(handle)
        self._unread = Path(unread)

    def get_name(self) -> str:
        """For Ray's own views."""
        return "Rows"

    def estimate_inmemory_data_size(self) -> int | None:
        """Nobody knows."""
        return None

    def get_read_tasks(self, *_: Any, **__: Any) -> list[ReadTask]:
        """The one task. It raises `Unavailable` the second time."""
        source, done, unread = self._source, self._done, self._unread

        def read() -> Iterator[pa.Table]:
            try:
                unread.unlink()
            except FileNotFoundError:
                raise Unavailable("Ray lost rows that were read: the same command goes on") from None
            rows = source.rows(done)
            while some := list(islice(rows, _ROWS_AT_ONCE)):
                yield pa.Table.from_pylist(list(map(fields_of, some)), READ)

        unknown = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None, input_files=None)
        return [ReadTask(read, unknown, schema=READ)]
