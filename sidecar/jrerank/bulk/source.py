"""Rows of queries with passages, one after the other, from JSONL or Parquet."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast

from jrerank.errors import ConfigurationError, InvalidInput

_SAMPLE_BYTES = 1 << 20
_ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row as it was read: `text` is a JSON object. `number` is from 1; `position` is how far into the source it ends."""

    number: int
    text: bytes
    position: int


class Source(Protocol):
    """What is reranked. `size` is in the unit of `SourceRow.position`."""

    @property
    def size(self) -> int:
        """How much there is."""
        ...

    def rows(self, skipped: int) -> Iterator[SourceRow]:
        """The rows behind the first `skipped`.

        Raises:
            InvalidInput: the file cannot be read.
        """
        ...


def open_source(path: Path) -> Source:
    """A `.parquet` file, or JSONL, which may be packed with gzip.

    Raises:
        InvalidInput: there is no such file.
        ConfigurationError: it is Parquet, and pyarrow isn't installed.
    """
    if not path.is_file():
        raise InvalidInput(f"there is no file {path}", field="input")
    return ParquetSource(path) if path.suffix == ".parquet" else JsonlSource(path)


def fingerprint(path: Path) -> str:
    """Of a file's size and beginning: enough to tell that a run is resumed on another file."""
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_SAMPLE_BYTES))
    digest.update(str(path.stat().st_size).encode())
    return digest.hexdigest()


class JsonlSource:
    """One JSON object a line; blank lines are no rows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def rows(self, skipped: int) -> Iterator[SourceRow]:
        """See `Source.rows`. Rows that are skipped are not parsed."""
        try:
            with self._path.open("rb") as raw:
                yield from self._rows(raw, skipped)
        except (OSError, EOFError) as error:
            raise InvalidInput(f"{self._path} cannot be read: {error}", field="input") from error

    def _rows(self, raw: IO[bytes], skipped: int) -> Iterator[SourceRow]:
        packed = self._path.suffix == ".gz"
        lines = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
        number = read_bytes = 0
        for line in lines:
            read_bytes += len(line)
            if not line.strip():
                continue
            number += 1
            if number > skipped:
                yield SourceRow(number, line, raw.tell() if packed else read_bytes)


class ParquetSource:
    """A row group at a time; columns are named as the fields of JSONL rows."""

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow.parquet  # noqa: PLC0415  an extra
        except ImportError:
            raise ConfigurationError(f"{path} is Parquet: pip install pyarrow") from None
        try:
            self._file: Any = pyarrow.parquet.ParquetFile(path)
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{path} is not Parquet: {error}", field="input") from error
        self.size = int(self._file.metadata.num_rows)

    def rows(self, skipped: int) -> Iterator[SourceRow]:
        """See `Source.rows`."""
        number = 0
        for batch in self._file.iter_batches(batch_size=_ROWS_AT_ONCE):
            if number + batch.num_rows <= skipped:
                number += batch.num_rows
                continue
            for row in batch.to_pylist():
                number += 1
                if number > skipped:
                    yield SourceRow(number, json.dumps(row, ensure_ascii=False).encode(), number)
