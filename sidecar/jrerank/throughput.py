"""How fast the engine is, as it has been seen lately, and how much work a text will be."""

from __future__ import annotations

from collections.abc import Sequence

from jrerank.domain import Pair

_SMOOTHING = 0.1
# Until something has been measured: an ordinary core, and Japanese of about two characters a token
_TOKENS_PER_S = 5_000.0
_TOKENS_PER_CHAR = 0.5


class Throughput:
    """Exponentially smoothed: tokens a second of one worker, tokens per character."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._worker_tokens_per_s = _TOKENS_PER_S
        self._tokens_per_char = _TOKENS_PER_CHAR

    @property
    def tokens_per_s(self) -> float:
        """Of all workers together."""
        return self._worker_tokens_per_s * self._workers

    def seconds_for(self, tokens: int) -> float:
        """How long all workers take for so many tokens."""
        return tokens / self.tokens_per_s

    def estimated_tokens(self, pair: Pair) -> int:
        """Before a pair is tokenized."""
        return max(1, min(pair.max_tokens, round(pair.chars * self._tokens_per_char)))

    def observe(self, chars: Sequence[int], tokens: Sequence[int], spent_s: float) -> None:
        """Learn from a run that a worker has finished. A run that failed teaches nothing."""
        if len(tokens) < len(chars) or spent_s <= 0:
            return
        self._worker_tokens_per_s += _SMOOTHING * (sum(tokens) / spent_s - self._worker_tokens_per_s)
        self._tokens_per_char += _SMOOTHING * (sum(tokens) / max(1, sum(chars)) - self._tokens_per_char)
