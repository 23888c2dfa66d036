"""Short excerpts of long passages: training on them costs a fraction, and they are what a window of a passage looks like."""

from __future__ import annotations

import random
import re

from jrerank.evaluation.bigrams import bigrams
from jrerank.training.examples import Passage

_SENTENCE = re.compile(r"[^。！？!?\n]*[。！？!?\n]+|[^。！？!?\n]+")


def sentences(text: str) -> list[str]:
    """Split after full stops, question and exclamation marks, and line ends; the pieces joined give the text."""
    return _SENTENCE.findall(text)


def excerpt(passage: Passage, start: int, end: int, chars: int, draw: random.Random) -> str:
    """About `chars` characters of whole sentences that hold `text[start:end]`, at a place of their own within the excerpt."""
    spans = _spans(passage.text)
    first = next((i for i, (_, stop) in enumerate(spans) if stop > start), len(spans) - 1)
    last = next((i for i, (_, stop) in enumerate(spans) if stop >= end), len(spans) - 1)
    while spans[last][1] - spans[first][0] < chars and (first > 0 or last < len(spans) - 1):
        if last == len(spans) - 1 or (first > 0 and draw.random() < 0.5):
            first -= 1
        else:
            last += 1
    return passage.text[spans[first][0] : spans[last][1]].strip()


def likeliest_place(passage: Passage, question: str) -> tuple[int, int]:
    """Where the sentence stands that shares most of its bigrams with the question: the part that fools a reader."""
    asked = set(bigrams(question))
    spans = _spans(passage.text)
    return max(spans, key=lambda span: len(asked & set(bigrams(passage.text[span[0] : span[1]]))))


def _spans(text: str) -> list[tuple[int, int]]:
    spans, at = [], 0
    for sentence in sentences(text):
        spans.append((at, at + len(sentence)))
        at += len(sentence)
    return spans or [(0, 0)]
