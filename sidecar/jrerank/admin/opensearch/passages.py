"""Passages from a JSONL file, as they go into an index."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from jrerank.admin.opensearch.bodies import Json
from jrerank.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Passage:
    """`read_bytes` is how far into the file it ends, compressed or not."""

    id: str
    content: Json
    read_bytes: int


def read_passages(file: Path, vector_field: str = "vector") -> Iterator[Passage]:
    """One for each line that is not blank; a line without `id` is known by its number.

    Raises:
        InvalidInput: the file cannot be read, a line is no JSON object, or a vector differs in length from the first;
            `field` names the line.
    """
    dimension: int | None = None
    for number, line, read_bytes in _lines(file):
        content = _object(number, line)
        if vector_field in content:
            dimension = _checked(number, content[vector_field], vector_field, dimension)
        identifier = content.pop("id", number)
        yield Passage(str(identifier), content, read_bytes)


def vector_dimension(file: Path, vector_field: str = "vector") -> int | None:
    """Of the first passage's vector, if it has one. Raises as `read_passages` does."""
    first = next(read_passages(file, vector_field), None)
    vector = None if first is None else first.content.get(vector_field)
    return None if vector is None else len(vector)


def _lines(file: Path) -> Iterator[tuple[int, str, int]]:
    try:
        with file.open("rb") as raw, _opened(file, raw) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line.decode("utf-8"), raw.tell()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}", field="file") from None


def _opened(file: Path, raw: IO[bytes]) -> IO[bytes]:
    return gzip.open(raw, "rb") if file.suffix == ".gz" else raw  # type: ignore[return-value]


def _object(number: int, line: str) -> Json:
    try:
        content = json.loads(line)
    except ValueError as error:
        raise InvalidInput(f"line {number} is not JSON: {error}", field=f"line {number}") from None
    if not isinstance(content, dict) or not content:
        raise InvalidInput(f"line {number} is not a JSON object with fields", field=f"line {number}")
    return content


def _checked(number: int, vector: Any, name: str, dimension: int | None) -> int:
    if not isinstance(vector, list) or not vector or not all(isinstance(one, (int, float)) for one in vector):
        raise InvalidInput(f"line {number}: {name} is not a list of numbers", field=f"line {number}")
    if dimension not in {None, len(vector)}:
        message = f"line {number}: {name} has {len(vector)} numbers, the first had {dimension}"
        raise InvalidInput(message, field=f"line {number}")
    return len(vector)
