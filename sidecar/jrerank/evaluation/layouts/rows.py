"""Rows of JSONL, TSV and Parquet files, plain or packed; what is wrong is known by file and line."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from jrerank.errors import ConfigurationError, InvalidInput

Row = Mapping[str, Any]


def read_rows(path: Path) -> Iterator[Row]:
    """The objects of a `.jsonl`, `.jsonl.gz` or `.parquet` file.

    Raises:
        InvalidInput: the file can't be read, or a line is no JSON object.
        ConfigurationError: Parquet needs pyarrow, which is not installed.
    """
    return _parquet(path) if path.suffix == ".parquet" else _jsonl(path)


def read_table(path: Path) -> Iterator[list[str]]:
    """The fields of each line that is not blank: separated by tabs, or by spaces where it has no tab.

    Raises:
        InvalidInput: the file can't be read.
    """
    for _, line in _lines(path):
        yield (
            next(csv.reader([line], delimiter="\t", quoting=csv.QUOTE_NONE)) if "\t" in line else line.split()
        )


def text_of(row: Row, field: str, path: Path) -> str:
    """That field as text.

    Raises:
        InvalidInput: the row has none.
    """
    value = row.get(field)
    if value is None or isinstance(value, dict | list):
        raise InvalidInput(f"{path}: a row has no {field!r}; it has {', '.join(map(repr, row))}", field=field)
    return sound(str(value))


def query_of(text: str, id: str, path: Path, number: int) -> str:
    """The text of a query, if there is any.

    Raises:
        InvalidInput: it is blank: no system can be asked for it.
    """
    if not text.strip():
        raise InvalidInput(
            f"{path}, line {number}: the query {id!r} is blank; give it a text or leave it out", field="query"
        )
    return text


def sound(text: str) -> str:
    """Halves of surrogate pairs, as a text that was cut off has them, become U+FFFD: no file can hold them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def gain_of(value: object, path: Path) -> int:
    """A label as a gain.

    Raises:
        InvalidInput: it is no integer.
    """
    try:
        return int(str(value))
    except ValueError:
        raise InvalidInput(
            f"{path}: {value!r} is no label: labels are integers, from 1 for relevant", field="label"
        ) from None


def only_file(folder: Path, *patterns: str) -> Path:
    """The file that matches the first pattern that any file matches; the first by name if several do.

    Raises:
        InvalidInput: there is none.
    """
    for pattern in patterns:
        if matches := sorted(folder.glob(pattern)):
            return matches[0]
    raise InvalidInput(f"{folder} has none of {', '.join(patterns)}", field="data")


def _jsonl(path: Path) -> Iterator[Row]:
    for number, line in _lines(path):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InvalidInput(
                f"{path}, line {number}: it is not JSON: {error}", field=f"line {number}"
            ) from None
        if not isinstance(row, dict):
            raise InvalidInput(f"{path}, line {number}: it is not a JSON object", field=f"line {number}")
        yield row


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with _opened(path) as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} can't be read: {error}", field="data") from None


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="\n")
    return path.open(encoding="utf-8-sig", newline="\n")


def _parquet(path: Path) -> Iterator[Row]:
    try:
        from pyarrow import parquet  # noqa: PLC0415  an extra: only what is published as Parquet needs it
    except ImportError:
        raise ConfigurationError(f"{path} is Parquet: pip install 'jrerank[bench]'") from None
    try:
        batches: Iterable[Any] = parquet.ParquetFile(path).iter_batches()
        for batch in batches:
            yield from batch.to_pylist()
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} can't be read: {error}", field="data") from None
