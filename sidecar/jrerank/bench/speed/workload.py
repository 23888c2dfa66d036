"""Pairs with the lengths of real passages, as texts and as windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from jrerank.domain import Window
from jrerank.evaluation.dataset import load_dataset
from jrerank.models.checkpoint import Checkpoint
from jrerank.tokenization.windows import Reading, Tokenization, Windows

_SEED = 3
_SIGMA = 0.45
_SHORTEST = 30


@dataclass(frozen=True, slots=True)
class Workload:
    """A query with passages; `windows[i]` is the pair with `passages[i]`."""

    query: str
    passages: tuple[str, ...]
    windows: tuple[Window, ...]

    @property
    def tokens(self) -> int:
        """Of all windows."""
        return sum(map(len, self.windows))

    def head(self, pairs: int) -> Workload:
        """The first of them."""
        return Workload(self.query, self.passages[:pairs], self.windows[:pairs])


class WorkloadMaker:
    """Cuts real Japanese text to so many tokens of a checkpoint's own tokenizer."""

    def __init__(self, checkpoint: Checkpoint, max_tokens: int) -> None:
        dataset = load_dataset()
        self._query = dataset.questions[0].text
        self._text = "".join(dataset.passages.values())[:400_000]
        encoding = checkpoint.tokenizer.encode(self._text, add_special_tokens=False)
        self._offsets = encoding.offsets
        self._tokenization = Tokenization(checkpoint, max_tokens)
        self.max_tokens = self._tokenization.max_tokens

    def mixed(self, pairs: int, mean_tokens: int = 186) -> Workload:
        """Lognormal lengths with that mean, cut at the model's longest window."""
        drawn = np.random.default_rng(_SEED).lognormal(0.0, _SIGMA, pairs)
        lengths = np.clip(drawn * mean_tokens / drawn.mean(), _SHORTEST, self.max_tokens - 1).astype(int)
        return self.of([int(length) for length in lengths])

    def even(self, pairs: int, tokens: int) -> Workload:
        """All of one length."""
        return self.of([min(tokens, self.max_tokens)] * pairs)

    def of(self, lengths: Sequence[int]) -> Workload:
        """One pair of about each length in tokens, the query and special tokens included."""
        query = self._tokenization.query(self._query, Reading())
        overhead = len(query.ids) + 1
        passages = tuple(self._passages([max(1, length - overhead) for length in lengths]))
        read = self._tokenization.passages(query, passages, Reading())
        windows = tuple(one.windows[0] for one in read if isinstance(one, Windows))
        return Workload(self._query, passages, windows)

    def _passages(self, sizes: Sequence[int]) -> Iterator[str]:
        at = 0
        for size in sizes:
            if at + size >= len(self._offsets):
                at = 0
            yield self._text[self._offsets[at][0] : self._offsets[at + size - 1][1]]
            at += size
