"""Passages from a file or a pipe, as people have them: one a line, JSON objects one a line, or a JSON array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jrerank.domain import Candidate
from jrerank.errors import InvalidInput
from jrerank.json_reader.text import parsed


def read_candidates(lines: Sequence[str]) -> tuple[Candidate, ...]:
    """Candidates from lines of text, from JSONL if the first line is a JSON object, or from an array of strings or objects.

    What has no id has its line's number, or its place in the array, from 1. Half a surrogate pair becomes U+FFFD.

    Raises:
        InvalidInput: an object has no `text`, or a wrong type; `field` names the line or the item.
    """
    kept = [(number, line.strip("\r\n")) for number, line in enumerate(lines, start=1) if line.strip()]
    first = kept[0][1].lstrip() if kept else ""
    if first.startswith("[") and (items := _array("\n".join(lines))) is not None:
        return tuple(_candidate(item, number, f"item {number}") for number, item in enumerate(items, start=1))
    if _begins_jsonl(first):
        return tuple(_candidate(_object(line, number), number, f"line {number}") for number, line in kept)
    return tuple(Candidate(str(number), line) for number, line in kept)


def _begins_jsonl(line: str) -> bool:
    """A text may begin with a brace; what goes on with a name in quotes is meant as JSON, and told where it is damaged."""
    if not line.startswith("{"):
        return False
    try:
        return isinstance(parsed(line.encode()), dict)
    except ValueError:
        return line[1:].lstrip().startswith('"')


def _array(content: str) -> list[Any] | None:
    try:
        value = parsed(content.encode())
    except ValueError:
        return None
    return value if isinstance(value, list) else None


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        content = parsed(line.encode())
    except ValueError as error:
        raise _wrong(f"line {number}", str(error)) from None
    if not isinstance(content, dict):
        raise _wrong(f"line {number}", "it is something else")
    return content


def _candidate(content: Any, number: int, place: str) -> Candidate:
    if isinstance(content, str):
        return Candidate(str(number), content)
    if not isinstance(content, dict):
        raise _wrong(place, "it is something else")
    if "text" not in content:
        raise _wrong(place, "it has no 'text'")
    text, score = content["text"], content.get("score")
    if not isinstance(text, str):
        raise _wrong(place, "`text` must be a string")
    if score is not None and not _is_number(score):
        raise _wrong(place, "`score` must be a number")
    id = content.get("id")
    return Candidate(str(number if id is None else id), text, score)


def _is_number(score: Any) -> bool:
    try:
        return type(score) in {int, float} and math.isfinite(score)
    except OverflowError:
        return False


def _wrong(place: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{place} is not a JSON object with `text`: {reason}", field=place)
