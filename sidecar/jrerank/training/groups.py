"""Makes the groups of a step. A step's groups depend on the seed and its number alone, so a resumed run sees the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jrerank.training.examples import Corpus, Group, Pair, Passage
from jrerank.training.excerpts import excerpt, likeliest_place
from jrerank.training.lexical import LexicalIndex

_TRIES = 4  # to find a random negative; a small corpus may not have so many
# Draws a group of another kind than a pair's; see synthetic.py
Synthetic = Callable[[random.Random], Group]


@dataclass(frozen=True, slots=True)
class GroupShape:
    """`hard` negatives are drawn from the `hard_depth` best of BM25, `random` ones from all passages.

    To `near` of the questions comes one more: an excerpt of the right passage that doesn't hold the answer. Excerpts have between
    `min_chars` and `max_chars` characters; a title stands before `titled` of them.
    """

    hard: int = 4
    random: int = 1
    near: float = 0.0
    hard_depth: int = 30
    min_chars: int = 30
    max_chars: int = 170
    titled: float = 0.7


class GroupMaker:
    """Draws pairs in a shuffled order, and for each its negatives and the excerpts that are shown."""

    def __init__(self, corpus: Corpus, seed: int, synthetic: Sequence[tuple[float, Synthetic]] = ()) -> None:
        self._corpus = corpus
        self._index = LexicalIndex([passage.indexed for passage in corpus.passages])
        self._right = _right_texts(corpus)
        self._seed = seed
        self._synthetic = tuple(synthetic)

    def step(self, number: int, size: int, shape: GroupShape) -> list[Group]:
        """The groups of that step, counted from 0."""
        draw = random.Random(f"{self._seed}/{number}")  # noqa: S311
        return [self._group(draw, number * size + place, shape) for place in range(size)]

    def _group(self, draw: random.Random, place: int, shape: GroupShape) -> Group:
        kind = draw.random()
        for share, synthetic in self._synthetic:
            if kind < share:
                return synthetic(draw)
            kind -= share
        return self.of_pair(self._pair(place), draw, shape)

    def _pair(self, place: int) -> Pair:
        epoch, index = divmod(place, len(self._corpus.pairs))
        order = _order(self._seed, epoch, len(self._corpus.pairs))
        return self._corpus.pairs[order[index]]

    def of_pair(self, pair: Pair, draw: random.Random, shape: GroupShape) -> Group:
        """The passage's excerpt with the answer, then those of negatives."""
        negatives = self._negatives(pair, draw, shape)
        titled = draw.random() < shape.titled
        texts = [self._text(pair, draw, shape, titled)]
        texts += [self._negative_text(pair.question, i, draw, shape, titled) for i in negatives]
        teacher = tuple(pair.scores[i] for i in (pair.passage, *negatives) if i in pair.scores)
        if len(teacher) == len(texts):
            return Group(pair.question, tuple(texts), teacher)
        return Group(pair.question, (*texts, *self._near_texts(pair, draw, shape, titled)))

    def _negatives(self, pair: Pair, draw: random.Random, shape: GroupShape) -> list[int]:
        """Given ones first, then BM25's, then random ones. Where a teacher has scored all that are given, those alone."""
        given = [i for i in pair.negatives if not self._is_right(pair, i)]
        chosen = draw.sample(given, min(shape.hard, len(given)))
        if given and all(i in pair.scores for i in (pair.passage, *given)):
            return chosen
        hits = [i for i, _ in self._index.search(pair.question, shape.hard_depth)]
        hard = [i for i in hits if self._is_negative(pair, i) and i not in chosen]
        chosen += draw.sample(hard, min(shape.hard - len(chosen), len(hard)))
        missing = shape.hard + shape.random - len(chosen)
        for _ in range(_TRIES * missing):
            if len(chosen) == shape.hard + shape.random:
                break
            other = draw.randrange(len(self._corpus.passages))
            if self._is_negative(pair, other) and other not in chosen:
                chosen.append(other)
        return chosen

    def _is_right(self, pair: Pair, index: int) -> bool:
        return self._corpus.passages[index].indexed in self._right[pair.question]

    def _is_negative(self, pair: Pair, index: int) -> bool:
        text = self._corpus.passages[index].text
        return not self._is_right(pair, index) and not any(answer in text for answer in pair.answers)

    def _text(self, pair: Pair, draw: random.Random, shape: GroupShape, titled: bool) -> str:
        passage = self._corpus.passages[pair.passage]
        start, end = _answer_place(passage, pair)
        return _shown(passage, excerpt(passage, start, end, _chars(draw, shape), draw), titled)

    def _near_texts(self, pair: Pair, draw: random.Random, shape: GroupShape, titled: bool) -> list[str]:
        """Same subject, same style, no answer: what keeps a model from taking the right topic for the right text."""
        if not pair.answers or draw.random() >= shape.near:
            return []
        passage = self._corpus.passages[pair.passage]
        for _ in range(_TRIES):
            start = draw.randrange(len(passage.text))
            text = excerpt(passage, start, start + 1, _chars(draw, shape), draw)
            if text and not any(answer in text for answer in pair.answers):
                return [_shown(passage, text, titled)]
        return []

    def _negative_text(
        self, question: str, index: int, draw: random.Random, shape: GroupShape, titled: bool
    ) -> str:
        passage = self._corpus.passages[index]
        if draw.random() < 0.7:
            start, end = likeliest_place(passage, question)
        else:
            start = draw.randrange(max(1, len(passage.text)))
            end = start + 1
        return _shown(passage, excerpt(passage, start, end, _chars(draw, shape), draw), titled)


def _right_texts(corpus: Corpus) -> dict[str, set[str]]:
    """By question, what answers it: two clicks on one query are two pairs, and neither passage is wrong for it, nor is a copy."""
    right: dict[str, set[str]] = {}
    for pair in corpus.pairs:
        right.setdefault(pair.question, set()).add(corpus.passages[pair.passage].indexed)
    return right


def _answer_place(passage: Passage, pair: Pair) -> tuple[int, int]:
    """Of an answer that stands there more than once, the place whose sentence is most like the question."""
    places = [
        (at, at + len(answer))
        for answer in pair.answers
        for at in range(len(passage.text))
        if answer and passage.text.startswith(answer, at)
    ]
    start, end = likeliest_place(passage, pair.question)
    inside = [place for place in places if start <= place[0] < end]
    return (inside or places or [(start, end)])[0]


def _shown(passage: Passage, text: str, titled: bool) -> str:
    return f"{passage.title}\n{text}" if titled and passage.title else text


def _chars(draw: random.Random, shape: GroupShape) -> int:
    return draw.randint(min(shape.min_chars, shape.max_chars), shape.max_chars)


_orders: dict[tuple[int, int, int], list[int]] = {}


def _order(seed: int, epoch: int, size: int) -> list[int]:
    key = (seed, epoch, size)
    if key not in _orders:
        _orders.clear()
        _orders[key] = random.Random(f"{seed}/epoch/{epoch}").sample(range(size), size)  # noqa: S311
    return _orders[key]
