"""Passages from a JSONL file, as they go into an index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jrerank.admin.cluster.request import Json
from jrerank.admin.jsonl import read_lines


@dataclass(frozen=True, slots=True)
class Passage:
    """`content` is the document; `read_bytes` is how far into the file it ends, compressed or not."""

    id: str
    content: Json
    read_bytes: int


def read_passages(file: Path, vector_field: str = "vector") -> Iterator[Passage]:
    """One for each line that is not blank, with all its fields but `id`; a line without `id` is known by its number.

    Raises:
        InvalidInput: the file can't be read, or a line is no JSON object, or its vector doesn't go with those before it;
            `field` names the line.
    """
    dimensions: set[int] = set()
    for line in read_lines(file):
        vector = line.vector(vector_field)
        if vector is not None:
            dimensions.add(len(vector))
        if len(dimensions) > 1:
            raise line.wrong(f"all that have `{vector_field}` have it of one length")
        content = {name: value for name, value in line.content.items() if name != "id"}
        yield Passage(line.id, content, line.read_bytes)


def vector_dimension(file: Path, vector_field: str = "vector") -> int | None:
    """Of the first passage's vector, if it has one. Raises as `read_passages` does."""
    first = next(read_passages(file, vector_field), None)
    vector = None if first is None else first.content.get(vector_field)
    return None if vector is None else len(vector)
