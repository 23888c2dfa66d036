"""Reranks the first stage's lists of a dev set: what decides when to stop, and which weights are kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jrerank.errors import ConfigurationError
from jrerank.evaluation.measures import ndcg
from jrerank.training.examples import Corpus
from jrerank.training.lexical import LexicalIndex
from jrerank.training.scorer import Scorer


@dataclass(frozen=True, slots=True)
class Judged:
    """A question with the texts of its list, the first stage's scores, and the place of the right one (None: missed)."""

    question: str
    texts: tuple[str, ...]
    first_stage: tuple[float, ...]
    right: int | None


@dataclass(frozen=True, slots=True)
class DevFigures:
    """nDCG@10 of the first stage, of the model alone, and of both added with the best of some weights."""

    first_stage: float
    alone: float
    fused: float
    fusion_weight: float


WEIGHTS = (0.02, 0.05, 0.1, 0.2, 0.4)


class DevSet:
    """Lists of `depth` texts for `questions` questions, evenly spread over the corpus."""

    def __init__(self, corpus: Corpus, questions: int, depth: int, max_tokens: int) -> None:
        self._max_tokens = max_tokens
        texts = [passage.indexed for passage in corpus.passages]
        index = LexicalIndex(texts)
        count = min(questions, len(corpus.pairs))
        pairs = [corpus.pairs[i * len(corpus.pairs) // count] for i in range(count)]
        self.lists: list[Judged] = []
        for pair in pairs:
            hits = index.search(pair.question, depth)
            ids = [i for i, _ in hits]
            right = ids.index(pair.passage) if pair.passage in ids else None
            self.lists.append(
                Judged(pair.question, tuple(texts[i] for i in ids), tuple(s for _, s in hits), right)
            )

    def logits(self, scorer: Scorer) -> list[list[float]]:
        """Of each list."""
        return [
            scorer.score([(judged.question, text) for text in judged.texts], self._max_tokens)
            for judged in self.lists
        ]

    def figures(self, logits: Sequence[Sequence[float]]) -> DevFigures:
        """Of logits that `logits` gave.

        Raises:
            ConfigurationError: one of them is no number; by those, every list would seem to be in order.
        """
        if not all(math.isfinite(logit) for row in logits for logit in row):
            raise ConfigurationError(
                "the model gives logits that are no numbers: train with a lower --learning-rate"
            )
        fused = {weight: self._mean(logits, weight) for weight in WEIGHTS}
        best = max(fused, key=lambda weight: fused[weight])
        none = [[0.0] * len(judged.texts) for judged in self.lists]
        return DevFigures(self._mean(none, 1.0), self._mean(logits, 0.0), fused[best], best)

    def _mean(self, logits: Sequence[Sequence[float]], weight: float) -> float:
        return sum(_gain(j, row, weight) for j, row in zip(self.lists, logits, strict=True)) / len(self.lists)


def _gain(judged: Judged, logits: Sequence[float], weight: float) -> float:
    if judged.right is None:
        return 0.0
    fused = [logit + weight * score for logit, score in zip(logits, judged.first_stage, strict=True)]
    order = sorted(range(len(fused)), key=lambda i: -fused[i])
    return ndcg([str(i) for i in order], {str(judged.right): 1}, cutoff=10)
