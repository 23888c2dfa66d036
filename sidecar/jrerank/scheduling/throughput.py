"""How fast the engine is, as it has been seen lately, and how much work a text will be."""

from __future__ import annotations

from collections.abc import Sequence

_SMOOTHING = 0.1
# Only until something has been measured, which happens before the first request: see `calibrated`
_RUN_TOKENS, _RUN_S = 500.0, 0.1
_TOKENS_PER_CHAR = 0.5


class Throughput:
    """Exponentially smoothed: tokens and seconds of a worker's run, tokens per character.

    The speed is that of all tokens in all seconds: a mean of speeds would be too high where some runs are slow.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._run_tokens, self._run_s = _RUN_TOKENS, _RUN_S
        self._tokens_per_char = _TOKENS_PER_CHAR

    @property
    def tokens_per_s(self) -> float:
        """Of all workers together."""
        return self._run_tokens / self._run_s * self._workers

    def seconds_for(self, tokens: float) -> float:
        """How long all workers take for so many tokens."""
        return tokens / self.tokens_per_s

    def run_seconds_for(self, tokens: int) -> float:
        """How long one worker takes for them in a run."""
        return tokens * self._run_s / self._run_tokens

    def estimated_tokens(self, chars: int) -> int:
        """Of texts that have not been tokenized yet."""
        return max(1, round(chars * self._tokens_per_char))

    def estimated_tokens_of(self, chars: Sequence[int], max_tokens: int) -> list[int]:
        """Of each of several texts, `max_tokens` at most; in one go, since it is asked for every pair that comes."""
        per_char = self._tokens_per_char
        return [min(max_tokens, round(count * per_char) or 1) for count in chars]

    def calibrate(self, tokens: int, spent_s: float) -> None:
        """Take a first measurement for what it is, since there is nothing to smooth it with."""
        if spent_s > 0:
            self._run_tokens, self._run_s = tokens, spent_s

    def calibrate_texts(self, chars: int, tokens: int) -> None:
        """Take the first texts for what they are."""
        self._tokens_per_char = tokens / chars

    def observe_run(self, tokens: int, spent_s: float) -> None:
        """Learn from a run that a worker has finished."""
        if tokens and spent_s > 0:
            self._run_tokens += _SMOOTHING * (tokens - self._run_tokens)
            self._run_s += _SMOOTHING * (spent_s - self._run_s)

    def observe_texts(self, chars: Sequence[int], tokens: Sequence[int]) -> None:
        """Learn from texts that have been tokenized."""
        if sum(chars):
            self._tokens_per_char += _SMOOTHING * (sum(tokens) / sum(chars) - self._tokens_per_char)
