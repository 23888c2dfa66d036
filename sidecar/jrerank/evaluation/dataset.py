"""Questions with the one passage that answers each: the format, and the set that ships."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SHIPPED = Path(__file__).parent / "jaquad"


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the id of the passage that it was asked about."""

    text: str
    passage_id: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Passages by id, as the reranker reads them (title, newline, text), and questions."""

    passages: Mapping[str, str]
    questions: tuple[Question, ...]

    def sample(self, questions: int) -> tuple[Question, ...]:
        """So many questions, evenly spread over the set: always the same ones."""
        wanted = min(questions, len(self.questions))
        return tuple(self.questions[i * len(self.questions) // wanted] for i in range(wanted))


def load_dataset(folder: Path = SHIPPED, name: str = "") -> Dataset:
    """Read `<name>passages.jsonl.gz` and `<name>queries.jsonl.gz`; by default JaQuAD's dev set (CC BY-SA 3.0)."""
    passages = {
        line["id"]: f"{line['title']}\n{line['text']}" for line in _lines(folder / f"{name}passages.jsonl.gz")
    }
    questions = tuple(
        Question(line["question"], line["passage_id"]) for line in _lines(folder / f"{name}queries.jsonl.gz")
    )
    return Dataset(passages, questions)


def _lines(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]
