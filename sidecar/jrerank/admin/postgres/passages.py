"""Passages from a JSONL file, as they go into a table."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from jrerank.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Passage:
    """`read_bytes` is how far into the file it ends, compressed or not."""

    id: str
    text: str
    vector: tuple[float, ...] | None
    read_bytes: int


def read_passages(file: Path) -> Iterator[Passage]:
    """One for each line that is not blank. A `title` is the first line of the text; a line without `id` is known by its number.

    Raises:
        InvalidInput: the file can't be read, or a line is no JSON object with `text`, or its vector doesn't go with those
            before it; `field` names the line.
    """
    dimensions: set[int | None] = set()
    for number, line, read_bytes in _lines(file):
        passage = _passage(number, line, read_bytes)
        dimensions.add(None if passage.vector is None else len(passage.vector))
        if len(dimensions) > 1:
            raise _wrong(number, "all passages have vectors of one length, or none has one")
        yield passage


def _passage(number: int, line: bytes, read_bytes: int) -> Passage:
    try:
        content = json.loads(line)
    except ValueError as error:
        raise _wrong(number, f"it is not JSON: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("text"), str):
        raise _wrong(number, "it is not a JSON object with `text`, a string")
    id, title = content.get("id", number), content.get("title")
    if isinstance(id, bool) or not isinstance(id, str | int):
        raise _wrong(number, "`id` is neither a string nor an integer")
    text = f"{title}\n{content['text']}" if isinstance(title, str) and title else content["text"]
    for name, value in (("id", str(id)), ("text", text)):
        if not _is_storable(value):
            raise _wrong(
                number, f"`{name}` holds a NUL or half of a surrogate pair, which PostgreSQL does not store"
            )
    return Passage(str(id), text, _vector(number, content.get("vector")), read_bytes)


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _vector(number: int, given: Any) -> tuple[float, ...] | None:
    if given is None:
        return None
    if not isinstance(given, list) or not given or not all(type(one) in {int, float} for one in given):
        raise _wrong(number, "`vector` is not a list of numbers")
    return tuple(map(float, given))


def _lines(file: Path) -> Iterator[tuple[int, bytes, int]]:
    try:
        with file.open("rb") as raw:
            for number, line in enumerate(_unpacked(raw, file.suffix), start=1):
                if line.strip():
                    yield number, line, raw.tell()
    except (OSError, EOFError) as error:
        raise InvalidInput(f"{file} can't be read: {error}", field="file") from None


def _unpacked(raw: IO[bytes], suffix: str) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if suffix == ".gz" else raw


def _wrong(number: int, what: str) -> InvalidInput:
    return InvalidInput(f"line {number}: {what}", field=f"line {number}")
