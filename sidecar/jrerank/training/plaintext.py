"""Questions made from plain text: a sentence, or a part of it, looks for the paragraph it was taken out of (Lee et al., 2019)."""

from __future__ import annotations

import random
from collections.abc import Sequence

from jrerank.errors import ConfigurationError
from jrerank.training.examples import Group
from jrerank.training.excerpts import sentences
from jrerank.training.lexical import LexicalIndex

_SENTENCE_CHARS = range(12, 90)


class ClozeMaker:
    """Groups of paragraphs of at least two sentences, one of which is fit to be a question; the negatives are BM25's for it."""

    def __init__(self, paragraphs: Sequence[str], negatives: int = 5, max_chars: int = 200) -> None:
        """Keep the paragraphs that can be used.

        Raises:
            ConfigurationError: there are none.
        """
        self._paragraphs = [
            text for text in paragraphs if len(parts := sentences(text)) > 1 and _fitting(parts)
        ]
        if not self._paragraphs:
            raise ConfigurationError(
                f"--text has no line of two sentences, one of {_SENTENCE_CHARS.start} to {_SENTENCE_CHARS.stop - 1} characters: "
                "put a paragraph into each, or leave --text out"
            )
        self._index = LexicalIndex(self._paragraphs)
        self._negatives = negatives
        self._max_chars = max_chars

    def __call__(self, draw: random.Random) -> Group:
        """A group; the sentence stays in the passage in one case of ten, so that exact matches count too."""
        place = draw.randrange(len(self._paragraphs))
        parts = sentences(self._paragraphs[place])
        taken = draw.choice(_fitting(parts))
        rest = parts if draw.random() < 0.1 else parts[:taken] + parts[taken + 1 :]
        question = self._question(draw, parts[taken].strip())
        hits = [i for i, _ in self._index.search(question, 12) if i != place]
        others = draw.sample(hits, min(self._negatives - 1, len(hits)))
        others.append(draw.randrange(len(self._paragraphs)))
        near = max(0, min(taken, len(rest) - 1) - 1)
        texts = ["".join(rest[near:])] + [self._paragraphs[i] for i in others if i != place]
        return Group(question, tuple(text[: self._max_chars].strip() for text in texts))

    def _question(self, draw: random.Random, sentence: str) -> str:
        clauses = [clause for clause in sentence.strip("。").split("、") if len(clause) >= 8]
        return draw.choice(clauses) if clauses and draw.random() < 0.5 else sentence


def _fitting(parts: Sequence[str]) -> list[int]:
    return [i for i, part in enumerate(parts) if len(part) in _SENTENCE_CHARS]
