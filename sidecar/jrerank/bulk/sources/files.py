"""Rows of files: JSONL, packed or not, and Parquet."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, cast

from jrerank.bulk.rows import ROW_FIELDS
from jrerank.bulk.sources.source import NOTHING_DONE, Done, Source, SourceRow
from jrerank.errors import ConfigurationError, InvalidInput

_SAMPLE_BYTES = 1 << 20
# A row may have hundreds of passages
_ROWS_AT_ONCE = 16
# Of each column, instead of all of it that is in a row group
_COLUMN_BUFFER_BYTES = 1 << 20


def open_file(path: Path) -> Source:
    """A `.parquet` file, or JSONL, which may be packed with gzip.

    Raises:
        InvalidInput: there is no such file.
        ConfigurationError: it is Parquet, and pyarrow isn't installed.
    """
    if not path.is_file():
        raise InvalidInput(f"there is no file {path}", field="input")
    path = path.absolute()  # on Ray another process reads it, in a folder of its own
    return ParquetSource(path) if path.suffix == ".parquet" else JsonlSource(path)


def file_fingerprint(path: Path) -> str:
    """Of a file's size and beginning: enough to tell that a run is resumed on another file."""
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_SAMPLE_BYTES))
    digest.update(str(path.stat().st_size).encode())
    return digest.hexdigest()


class JsonlSource:
    """One JSON object a line; blank lines are no rows."""

    rows_now: int | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size
        self.fingerprint = file_fingerprint(path)

    def rows(self, done: Done = NOTHING_DONE) -> Iterator[SourceRow]:
        """See `Source.rows`. Rows that are done are not parsed."""
        try:
            with self._path.open("rb") as raw:
                yield from self._rows(raw, done.rows)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidInput(f"{self._path} cannot be read: {error}", field="input") from error

    def _rows(self, raw: IO[bytes], done: int) -> Iterator[SourceRow]:
        packed = self._path.suffix == ".gz"
        lines = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
        row = read_bytes = 0
        for number, line in enumerate(lines, start=1):
            read_bytes += len(line)
            if number == 1:
                line = line.removeprefix(BOM_UTF8)  # noqa: PLW2901  editors of Windows begin files with it
            if not line.strip():
                continue
            row += 1
            if row > done:
                place = f"line {number} of {self._path.name}"
                yield SourceRow(row, line, raw.tell() if packed else read_bytes, place)


class ParquetSource:
    """Some rows of a row group at a time; columns are named as the fields of JSONL rows. Others are not read."""

    rows_now: int | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._opened() as file:
            self.size = int(file.metadata.num_rows)
        self.fingerprint = file_fingerprint(path)

    def rows(self, done: Done = NOTHING_DONE) -> Iterator[SourceRow]:
        """See `Source.rows`. Row groups that are done are not read."""
        with self._opened() as file:
            number = 0
            for group in range(file.num_row_groups):
                group_rows = file.metadata.row_group(group).num_rows
                if number + group_rows > done.rows:
                    yield from (row for row in self._rows(file, group, number) if row.number > done.rows)
                number += group_rows

    def _rows(self, file: Any, group: int, number: int) -> Iterator[SourceRow]:
        try:
            columns = [name for name in file.schema_arrow.names if name in ROW_FIELDS]
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, row_groups=[group], columns=columns):
                for index in range(batch.num_rows):
                    number += 1
                    text, wrong = _json_object(batch, index)
                    yield SourceRow(number, text, number, f"row {number} of {self._path.name}", wrong=wrong)
        except (OSError, ValueError) as error:
            raise InvalidInput(
                f"{self._path} cannot be read behind row {number}: {error}", field="input"
            ) from error

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            import pyarrow.parquet  # noqa: PLC0415  an extra
        except ImportError:
            raise ConfigurationError(f"{self._path} is Parquet: pip install 'jrerank[bulk]'") from None
        try:
            file = pyarrow.parquet.ParquetFile(self._path, buffer_size=_COLUMN_BUFFER_BYTES)
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{self._path} is not Parquet: {error}", field="input") from error
        with closing(file):
            yield file


def _json_object(batch: Any, index: int) -> tuple[bytes, str | None]:
    """A row of a batch, without the columns that are not UTF-8, and what is wrong with those."""
    fields, wrong = [], None
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            value = json.dumps(column[index].as_py(), ensure_ascii=False, default=_text)
        except UnicodeDecodeError as error:
            wrong = f"{name}: it is not UTF-8 ({error.reason} at byte {error.start})"
        else:
            fields.append(f'"{name}": {value}')
    return f"{{{', '.join(fields)}}}".encode("utf-8", "replace"), wrong


def _text(value: object) -> str:
    """Of what JSON has no words for. Some writers have texts as binary columns, without a word about their encoding."""
    return value.decode() if isinstance(value, bytes) else str(value)
