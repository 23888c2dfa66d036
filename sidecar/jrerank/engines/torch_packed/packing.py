"""Windows -> arrays for one run of the device: behind each other, filled up to one of a few sizes.

A size that has been seen before can be replayed as a captured graph, and lets no allocator or kernel cache grow. What is filled up
is covered by dummy windows: rows that no window covers stay unwritten in ragged attention, and a NaN in them has been seen to reach
real ones (vllm#57136).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from jrerank.domain import Window

Int32Array = npt.NDArray[np.int32]

# The shortest window that is worth a place: a query of a few tokens, a word, and the special tokens
_TOKENS_PER_WINDOW = 16


@dataclass(frozen=True, slots=True)
class Bucket:
    """The size of a run: so many rows, so many windows at most, none longer than `longest`."""

    tokens: int
    windows: int
    longest: int


@dataclass(frozen=True, slots=True)
class Buckets:
    """The sizes that runs are filled up to. Without `tokens` a run has exactly the size that it needs.

    `rectangular`: attention spreads a run to windows times longest, so that windows of one run have to be of like lengths.
    """

    tokens: tuple[int, ...] = ()
    longest: tuple[int, ...] = ()
    rectangular: bool = False

    @property
    def all(self) -> tuple[Bucket, ...]:
        """Every size, the smallest first."""
        return tuple(
            Bucket(tokens, self.room(tokens, longest) + _dummies(tokens, longest), longest)
            for tokens in self.tokens
            for longest in self.longest
            if longest <= tokens
        )

    def room(self, tokens: int, longest: int) -> int:
        """How many real windows such a run takes; its other places are for dummies."""
        per_window = max(longest // 2, 1) if self.rectangular else _TOKENS_PER_WINDOW
        return max(1, tokens // per_window)

    def fitting(self, windows: Sequence[Window]) -> Bucket:
        """The smallest that takes these windows; one of their own if there is none."""
        tokens, longest = sum(map(len, windows)), max(map(len, windows))
        candidates = (
            bucket
            for bucket in self.all
            if tokens <= bucket.tokens
            and longest <= bucket.longest
            and len(windows) <= self.room(bucket.tokens, bucket.longest)
        )
        return min(
            candidates,
            key=lambda bucket: (bucket.tokens, bucket.longest),
            default=Bucket(tokens, len(windows), longest),
        )

    def split(self, windows: Sequence[Window], max_tokens: int) -> list[list[int]]:
        """Which windows run together: their places, in runs of at most `max_tokens` and of like lengths.

        A window that is longer runs alone.
        """
        runs: list[list[int]] = []
        tokens = 0
        for place in sorted(range(len(windows)), key=lambda place: len(windows[place])):
            length = len(windows[place])
            longest = next((longest for longest in self.longest if length <= longest), length)
            is_full = runs and len(runs[-1]) >= self.room(max_tokens, longest)
            if not runs or is_full or tokens + length > max_tokens:
                runs.append([])
                tokens = 0
            runs[-1].append(place)
            tokens += length
        return runs


def _dummies(tokens: int, longest: int) -> int:
    return -(-tokens // longest)


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """A run as the device gets it: `inputs` holds ids, positions, token types [T each] and offsets [N + 1] behind each other.

    The first `windows` of N windows are real, and the first `tokens` of T rows.
    """

    inputs: Int32Array
    bucket: Bucket
    windows: int
    tokens: int


def inputs_size(bucket: Bucket) -> int:
    """How many numbers the inputs of such a run have."""
    return 3 * bucket.tokens + bucket.windows + 1


def pack(windows: Sequence[Window], bucket: Bucket, passage_type: int) -> PackedBatch:
    """Lay windows out in a bucket that they fit; tokens of a passage are of the type `passage_type`."""
    lengths = [len(window) for window in windows]
    tokens = sum(lengths)
    covered = lengths + _dummy_lengths(bucket, tokens)
    inputs = np.zeros(inputs_size(bucket), dtype=np.int32)
    ids, positions, token_types, offsets = _parts(inputs, bucket)
    ids[:tokens] = np.concatenate([np.frombuffer(window.ids, dtype=np.int32) for window in windows])
    ends = np.fromiter(accumulate(covered), dtype=np.int32, count=len(covered))
    offsets[1 : len(ends) + 1] = ends
    offsets[len(ends) + 1 :] = bucket.tokens
    starts = offsets[: len(covered)]
    positions[:] = np.arange(bucket.tokens, dtype=np.int32) - np.repeat(starts, covered)
    if passage_type:
        passages = np.fromiter((window.passage_start for window in windows), np.int32, len(windows))
        token_types[:tokens] = (positions[:tokens] >= np.repeat(passages, lengths)) * passage_type
    return PackedBatch(inputs, bucket, len(windows), tokens)


def _parts(inputs: Int32Array, bucket: Bucket) -> tuple[Int32Array, Int32Array, Int32Array, Int32Array]:
    rows = bucket.tokens
    return inputs[:rows], inputs[rows : 2 * rows], inputs[2 * rows : 3 * rows], inputs[3 * rows :]


def _dummy_lengths(bucket: Bucket, tokens: int) -> list[int]:
    whole, rest = divmod(bucket.tokens - tokens, bucket.longest)
    return [bucket.longest] * whole + [rest] * (rest > 0)
