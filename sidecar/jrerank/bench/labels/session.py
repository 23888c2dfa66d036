"""Asking somebody: a screen for each query, an answer in one line, and every answer on disk at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from jrerank.bench.labels.clicks import Label
from jrerank.errors import InvalidInput
from jrerank.evaluation.layouts.labels import read_judgements

HELP = "numbers of the relevant ones (3! for perfect), Enter for none, b for the one before, s to skip, q to stop"
_ANSWER = re.compile(r"(\d+)(!?)")

Ask = Callable[[str, Sequence[str], int, int], str]


class Command(StrEnum):
    """What can be typed in place of an answer; a query that is judged again has the later labels."""

    STOP = "q"
    SKIP = "s"
    BACK = "b"


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
    known = read_judgements(file) if file.exists() else {}
    asked = [
        (id, rest)
        for id, ids in pools.items()
        if (rest := [one for one in ids if one not in known.get(id, {})])
    ]
    judged: dict[str, int] = {}
    place = 0
    while place < len(asked):
        id, rest = asked[place]
        answer = _answer(queries[id], rest, texts, (place + 1, len(asked)), ask)
        if answer is Command.STOP:
            break
        if isinstance(answer, dict):
            append_labels(file, [Label(id, passage, answer.get(passage, 0)) for passage in rest])
            judged[id] = len(rest)
        place = max(0, place - 1) if answer is Command.BACK else place + 1
    return Judged(len(judged), sum(judged.values()), stopped=place < len(asked))


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
) -> dict[str, int] | Command:
    """Gains of the relevant ones, or what else was wanted; asks again until it understands."""
    while True:
        typed = ask(query, [texts.get(id, id) for id in ids], *place).strip().lower()
        if typed in set(Command):
            return Command(typed)
        words = typed.replace(",", " ").split()
        matches = [_ANSWER.fullmatch(word) for word in words]
        found = [match for match in matches if match and 1 <= int(match[1]) <= len(ids)]
        if len(found) == len(words):
            return {ids[int(match[1]) - 1]: 2 if match[2] else 1 for match in found}
