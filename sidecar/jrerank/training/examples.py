"""What a model is trained on: passages, pairs of a question and its passage, and groups of windows made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Passage:
    """`title` may be empty."""

    title: str
    text: str

    @property
    def indexed(self) -> str:
        """What the first stage searches."""
        return f"{self.title}\n{self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and the index of the passage that answers it.

    `answers` are strings of the passage: they choose the window that is shown, and keep passages that hold the answer too from
    being taken for negatives. `negatives` are indices given by the user; `scores` a teacher's logits by index of passage.
    """

    question: str
    passage: int
    answers: tuple[str, ...] = ()
    negatives: tuple[int, ...] = ()
    scores: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Passages, and the pairs that refer to them by index."""

    passages: tuple[Passage, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A question with texts, the first of which answers it. `teacher` has a logit for each text, or is empty."""

    question: str
    texts: tuple[str, ...]
    teacher: tuple[float, ...] = ()
