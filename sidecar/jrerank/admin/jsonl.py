"""JSON objects from a file, one a line, plain or packed with gzip; a wrong line is known by its number."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from jrerank.errors import InvalidInput
from jrerank.json_reader.text import parsed


@dataclass(frozen=True, slots=True)
class Line:
    """`number` is from 1; `read_bytes` is how far into the file it ends, compressed or not."""

    number: int
    content: dict[str, Any]
    read_bytes: int

    @property
    def id(self) -> str:
        """Its `id`, or its number where it has none.

        Raises:
            InvalidInput: the `id` is neither a string nor an integer.
        """
        id = self.content.get("id", self.number)
        if isinstance(id, bool) or not isinstance(id, str | int):
            raise self.wrong("`id` is neither a string nor an integer")
        return str(id)

    def vector(self, field: str = "vector") -> tuple[float, ...] | None:
        """The numbers in that field, or None where it has none.

        Raises:
            InvalidInput: there is something else in it.
        """
        given = self.content.get(field)
        if given is None:
            return None
        if not isinstance(given, list) or not given or not all(type(one) in {int, float} for one in given):
            raise self.wrong(f"`{field}` is not a list of numbers")
        return tuple(map(float, given))

    def wrong(self, what: str) -> InvalidInput:
        """An error that names the line."""
        return _wrong(self.number, what)


def read_lines(file: Path) -> Iterator[Line]:
    """One for each line that is not blank.

    Raises:
        InvalidInput: the file can't be read, or a line is no JSON object; `field` names the line.
    """
    try:
        with file.open("rb") as raw:
            for number, line in enumerate(_unpacked(raw, file.suffix), start=1):
                if line.strip():
                    yield Line(number, _object(number, line), raw.tell())
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{file} can't be read: {error}", field="file") from None


def _unpacked(raw: IO[bytes], suffix: str) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if suffix == ".gz" else raw


def _object(number: int, line: bytes) -> dict[str, Any]:
    try:
        content = parsed(line)
    except ValueError as error:
        raise _wrong(number, f"it is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise _wrong(number, "it is not a JSON object")
    return content


def _wrong(number: int, what: str) -> InvalidInput:
    return InvalidInput(f"line {number}: {what}", field=f"line {number}")
