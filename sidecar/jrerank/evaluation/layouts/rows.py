"""Rows of JSONL, TSV and Parquet files, plain or packed, each with its place; what is wrong is known by file and line."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from jrerank.errors import ConfigurationError, InvalidInput

_OBJECTS = (".jsonl", ".jsonl.gz", ".parquet")
_SHARD = re.compile(
    r"(?P<stem>(?:.+?-)?)(?P<number>\d+)(?P<rest>(?:-of-(?P<count>\d+))?\.(?:jsonl|jsonl\.gz|parquet))"
)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, from 1, blank ones counted too, as an editor shows it; in Parquet a row."""

    path: Path
    number: int
    unit: str = "line"

    def __str__(self) -> str:
        return f"{self.path}, {self.unit} {self.number}"

    def wrong(self, what: str, field: str | None = None) -> InvalidInput:
        """An error that names the place."""
        return InvalidInput(f"{self}: {what}", field=field or f"{self.unit} {self.number}")


@dataclass(frozen=True, slots=True)
class Row:
    """An object of a file, and where it stands."""

    place: Place
    content: Mapping[str, Any]

    def __contains__(self, field: str) -> bool:
        return field in self.content

    def get(self, field: str, default: object = None) -> Any:
        """The value of that field."""
        return self.content.get(field, default)

    def text(self, field: str) -> str:
        """That field as text.

        Raises:
            InvalidInput: the row has none.
        """
        value = self.content.get(field)
        if value is None or isinstance(value, dict | list):
            raise self.wrong(f"no {field!r}; it has {', '.join(map(repr, self.content)) or 'nothing'}", field)
        return sound(str(value))

    def wrong(self, what: str, field: str | None = None) -> InvalidInput:
        """An error that names the row."""
        return self.place.wrong(what, field)


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns of a line."""

    place: Place
    values: list[str]


def read_rows(*paths: Path) -> Iterator[Row]:
    """The objects of `.jsonl`, `.jsonl.gz` or `.parquet` files, one file after the other.

    Raises:
        InvalidInput: a file can't be read, or a line is no JSON object.
        ConfigurationError: Parquet needs pyarrow, which is not installed.
    """
    for path in paths:
        yield from _parquet(path) if path.suffix == ".parquet" else _jsonl(path)


def holds_objects(path: Path) -> bool:
    """Whether `read_rows` reads it, by its name or else by the brace that it begins with; a table is for `read_table`.

    Raises:
        InvalidInput: the file can't be read.
    """
    if path.name.endswith(_OBJECTS):
        return True
    return next((line.lstrip().startswith("{") for _, line in _lines(path)), False)


def read_table(path: Path) -> Iterator[Fields]:
    """The fields of each line that is not blank: separated by tabs, or by spaces where it has no tab.

    Raises:
        InvalidInput: the file can't be read.
    """
    for number, line in _lines(path):
        yield Fields(Place(path, number), line.split("\t") if "\t" in line else line.split())


def note_once(known: dict[str, _Value], key: str, value: _Value, place: Place, repeated: str) -> None:
    """Keep a value under its key; a line that only says the same again is fine.

    Raises:
        InvalidInput: an earlier line has another value under that key, in the words of `repeated`.
    """
    if known.setdefault(key, value) != value:
        raise place.wrong(repeated)


def query_of(text: str, id: str, place: Place) -> str:
    """The text of a query, if there is any.

    Raises:
        InvalidInput: it is blank: no system can be asked for it.
    """
    if not text.strip():
        raise place.wrong(f"the query {id!r} is blank; give it a text or leave it out", "query")
    return text


def sound(text: str) -> str:
    """Halves of surrogate pairs, as a text that was cut off has them, become U+FFFD: no file can hold them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def gain_of(value: object, place: Place) -> int:
    """A label as a gain; `1.0` and `true`, as other tools write them, are 1.

    Raises:
        InvalidInput: it is no integer.
    """
    try:
        gain = float(value if isinstance(value, bool) else str(value))
        if gain.is_integer():
            return int(gain)
    except ValueError:
        pass
    raise place.wrong(f"{value!r} is no label: labels are integers, from 1 for relevant", "label") from None


def only_file(folder: Path, *patterns: str) -> Path:
    """The file that matches the first pattern that any file matches; the first by name if several do.

    Raises:
        InvalidInput: there is none.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder; one with {' or '.join(patterns)} is needed", field="data")
    for pattern in patterns:
        if matches := sorted(folder.glob(pattern)):
            return matches[0]
    raise InvalidInput(f"{folder} has none of {', '.join(patterns)}", field="data")


def shards(folder: Path, *patterns: str) -> list[Path]:
    """The file that `only_file` finds; where it is numbered, all that differ from it in the number alone, in order.

    Raises:
        InvalidInput: there is none, or `-00000-of-00003` says that one is missing.
    """
    first = only_file(folder, *patterns)
    match = _SHARD.fullmatch(first.name)
    if match is None:
        return [first]
    alike = re.compile(rf"{re.escape(match['stem'])}\d+{re.escape(match['rest'])}")
    files = sorted((path for path in first.parent.iterdir() if alike.fullmatch(path.name)), key=_number)
    if match["count"] and len(files) != int(match["count"]):
        raise InvalidInput(
            f"{first.parent} has {len(files)} of {int(match['count'])} files like {first.name}", field="data"
        )
    return files


def _number(shard: Path) -> int:
    match = _SHARD.fullmatch(shard.name)
    return int(match["number"]) if match else 0


def _jsonl(path: Path) -> Iterator[Row]:
    for number, line in _lines(path):
        place = Place(path, number)
        try:
            content = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise place.wrong(f"it is not JSON: {error}") from None
        if not isinstance(content, dict):
            raise place.wrong("it is not a JSON object")
        yield Row(place, content)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with _opened(path) as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} can't be read: {_reason(error)}", field="data") from None


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="\n")
    return path.open(encoding="utf-8-sig", newline="\n")


def _parquet(path: Path) -> Iterator[Row]:
    try:
        from pyarrow import parquet  # noqa: PLC0415  an extra: only what is published as Parquet needs it
    except ImportError:
        raise ConfigurationError(f"{path} is Parquet: pip install 'jrerank[bench]'") from None
    number = 0
    try:
        batches: Iterable[Any] = parquet.ParquetFile(path).iter_batches()
        for batch in batches:
            for content in batch.to_pylist():
                number += 1
                yield Row(Place(path, number, "row"), content)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} can't be read: {_reason(error)}", field="data") from None
