"""Asking somebody: a screen for each query, an answer in one line, and every answer on disk at once."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from jrerank.bench.labels.clicks import Label
from jrerank.errors import InvalidInput
from jrerank.evaluation.layouts.labels import read_judgements

HELP = "the numbers of the relevant ones, such as 1 3! (3 is perfect); Enter for none, b for the query before, s to skip, q to stop"
_ANSWER = re.compile(r"([0-9]{1,6})!?")


class Judge(Protocol):
    """Somebody who reads."""

    def ask(self, query: str, texts: Sequence[str], number: int, total: int) -> str:
        """Show a query and its passages, and which query of how many it is; what is typed."""

    def ask_again(self, reason: str) -> str:
        """The same once more, after an answer that can't be understood; what is typed."""


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
    judge: Judge,
) -> Judged:
    """Ask for every query whose pool is not judged yet; what an earlier session has said stands.

    Args:
        pools: the ids that are judged of each query.
        file: takes every answer before the next question.

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
        answer = _answer(queries[id], rest, texts, (place + 1, len(asked)), judge)
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
    query: str, ids: Sequence[str], texts: Mapping[str, str], place: tuple[int, int], judge: Judge
) -> dict[str, int] | Command:
    """Gains of the relevant ones, or what else was wanted; asks again until it understands."""
    typed = judge.ask(query, [texts.get(id, id) for id in ids], *place)
    while True:
        words = _words(typed)
        if len(words) == 1 and words[0] in set(Command):
            return Command(words[0])
        found = {word: _place(word, len(ids)) for word in words}
        wrong = [word for word, one in found.items() if one is None]
        if not wrong:
            return {ids[one - 1]: 2 if word.endswith("!") else 1 for word, one in found.items() if one}
        typed = judge.ask_again(f"{wrong[0]!r} is no number from 1 to {len(ids)}")


def _words(typed: str) -> list[str]:
    """As they were meant: a Japanese input method types full-width digits, letters and marks."""
    return unicodedata.normalize("NFKC", typed).lower().replace(",", " ").replace("、", " ").split()


def _place(word: str, count: int) -> int | None:
    match = _ANSWER.fullmatch(word)
    return int(match[1]) if match and 1 <= int(match[1]) <= count else None
