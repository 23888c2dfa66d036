"""How many tokens a run should have, measured on the device at start.

The largest is not always the fastest: activations of a few thousand tokens stay in the cache of a GPU. And a run cannot be
interrupted, so that a new request waits for the one that is under way.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence

import torch

from jrerank.domain import Window
from jrerank.engines.torch_packed.packing import Buckets, pack
from jrerank.engines.torch_packed.runner import Runner

MAX_RUN_S = 0.02
_WINDOW_TOKENS = 192
_RUNS = 3
# A budget that is larger has to be faster by more than what is noise
_GAIN = 1.03


def measure_budget(
    runner: Runner, buckets: Buckets, sizes: Sequence[int], clock: Callable[[], float] = time.perf_counter
) -> int:
    """The size with the most tokens per second among those that fit into memory and last no longer than `MAX_RUN_S`; else the
    smallest."""
    best, best_speed = min(sizes), 0.0
    for tokens in sorted(sizes):
        try:
            seconds = min(_seconds(runner, buckets, tokens, clock) for _ in range(_RUNS))
        except torch.OutOfMemoryError:
            runner.free_memory()
            break
        if seconds > MAX_RUN_S:
            break
        if tokens / seconds > best_speed * _GAIN:
            best, best_speed = tokens, tokens / seconds
    return best


def _seconds(runner: Runner, buckets: Buckets, tokens: int, clock: Callable[[], float]) -> float:
    whole, rest = divmod(tokens, _WINDOW_TOKENS)
    lengths = [_WINDOW_TOKENS] * whole + [rest] * (rest > 0)
    windows = [Window(array("i", [0] * length), 0) for length in lengths]
    batch = pack(windows, buckets.fitting(windows), 0)
    started = clock()
    runner.logits(batch)
    return clock() - started
