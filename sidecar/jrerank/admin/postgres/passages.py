"""Passages from a JSONL file, as they go into a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jrerank.admin.jsonl import Line, read_lines


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
    for line in read_lines(file):
        passage = _passage(line)
        dimensions.add(None if passage.vector is None else len(passage.vector))
        if len(dimensions) > 1:
            raise line.wrong("all passages have vectors of one length, or none has one")
        yield passage


def _passage(line: Line) -> Passage:
    text, title = line.content.get("text"), line.content.get("title")
    if not isinstance(text, str):
        raise line.wrong("it is not a JSON object with `text`, a string")
    if isinstance(title, str) and title:
        text = f"{title}\n{text}"
    for name, value in (("id", line.id), ("text", text)):
        if "\0" in value:
            raise line.wrong(f"`{name}` holds a NUL, which PostgreSQL does not store")
    return Passage(line.id, text, line.vector(), line.read_bytes)
