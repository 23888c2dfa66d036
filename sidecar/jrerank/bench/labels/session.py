"""Asking somebody: a screen for each query, an answer in one line, and every answer on disk at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jrerank.bench.labels.clicks import Label
from jrerank.errors import InvalidInput
from jrerank.evaluation.layouts.jsonl import read_labels

HELP = "numbers of the relevant ones (3! for perfect), Enter for none, s to skip, q to stop"
_ANSWER = re.compile(r"(\d+)(!?)")

Ask = Callable[[str, Sequence[str], int, int], str]


@dataclass(frozen=True, slots=True)
class Judged:
    """How a session went."""

    queries: int
    labels: int
    stopped: bool


def session(
    pools: Mapping[str, Sequence[str]],
    queries: Mapping[str, str],
    texts: Mapping[str, str],
    file: Path,
    ask: Ask,
) -> Judged:
    """Ask for every query whose pool is not judged yet; what an earlier session has said stands.

    Args:
        ask: shows a query and its passages (and its number of how many), and returns what was typed.

    Raises:
        InvalidInput: the file can't be read or written.
    """
    known = read_labels(file) if file.exists() else {}
    open_pools = {
        id: rest
        for id, ids in pools.items()
        if (rest := [one for one in ids if one not in known.get(id, {})])
    }
    asked = labels = 0
    for number, (id, rest) in enumerate(open_pools.items(), start=1):
        gains = _answer(queries[id], rest, texts, (number, len(open_pools)), ask)
        if gains is None:
            return Judged(asked, labels, stopped=True)
        if gains:
            append_labels(file, [Label(id, passage, gains.get(passage, 0)) for passage in rest])
            asked, labels = asked + 1, labels + len(rest)
    return Judged(asked, labels, stopped=False)


def append_labels(file: Path, labels: Sequence[Label]) -> None:
    """A line for each.

    Raises:
        InvalidInput: the file can't be written.
    """
    lines = [
        json.dumps({"query_id": one.query, "id": one.id, "label": one.gain}, ensure_ascii=False)
        for one in labels
    ]
    try:
        with file.open("a", encoding="utf-8") as stream:
            stream.write("".join(line + "\n" for line in lines))
    except OSError as error:
        raise InvalidInput(f"{file} can't be written: {error.strerror}", field="labels") from None


def _answer(
    query: str, ids: Sequence[str], texts: Mapping[str, str], place: tuple[int, int], ask: Ask
) -> dict[str, int] | None:
    """Gains of the relevant ones with at least one entry, empty to skip, None to stop; asks again until it understands."""
    while True:
        typed = ask(query, [texts.get(id, id) for id in ids], *place).strip().lower()
        if typed == "q":
            return None
        if typed == "s":
            return {}
        words = typed.replace(",", " ").split()
        matches = [_ANSWER.fullmatch(word) for word in words]
        found = [match for match in matches if match and 1 <= int(match[1]) <= len(ids)]
        if len(found) == len(words):
            return {ids[0]: 0} | {ids[int(match[1]) - 1]: 2 if match[2] else 1 for match in found}
