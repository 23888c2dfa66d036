"""The engine's speed before the first request: admission cannot do without it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from jrerank.domain import Window
from jrerank.engines.engine import Engine, score_each
from jrerank.scheduling.throughput import Throughput
from jrerank.tokenization.windows import Reading, Tokenization, Windows

_QUERY = "富士山の高さはどのくらいか"
_PASSAGE = "富士山は静岡県と山梨県にまたがる活火山で、標高は3776メートルである。" * 8
# The fastest of so many: what slows a run down is somebody else's work
_RUNS = 3


def calibrated(engine: Engine, tokenization: Tokenization) -> Throughput:
    """Measured by two runs, of which the first only warms up. Not for the event loop: it takes some milliseconds.

    One worker alone is faster than each of many; requests correct that as they come.
    """
    throughput = Throughput(engine.workers)
    passage = _windows(tokenization)
    if passage is not None:
        tokens = sum(map(len, passage.windows))
        throughput.calibrate(tokens, _seconds(engine, passage.windows, runs=1))
        if not passage.truncated:
            throughput.calibrate_texts(len(_QUERY) + len(_PASSAGE), tokens)
    return throughput


def token_cost(
    first: Engine, first_tokenization: Tokenization, second: Engine, second_tokenization: Tokenization
) -> float:
    """How many times as long a token takes the second engine as the first. Not for the event loop, as above."""
    seconds = []
    for engine, tokenization in ((first, first_tokenization), (second, second_tokenization)):
        passage = _windows(tokenization)
        if passage is None:
            return 1.0
        tokens = sum(map(len, passage.windows))
        seconds.append(_seconds(engine, passage.windows, _RUNS) / tokens)
    return seconds[1] / seconds[0]


def _windows(tokenization: Tokenization) -> Windows | None:
    query = tokenization.query(_QUERY, Reading())
    (passage,) = tokenization.passages(query, [_PASSAGE], Reading())
    return passage if isinstance(passage, Windows) else None


def _seconds(engine: Engine, windows: Sequence[Window], runs: int) -> float:
    """The fastest of several runs, after one that warms up."""
    score_each(engine, windows)
    return min(_run_seconds(engine, windows) for _ in range(runs))


def _run_seconds(engine: Engine, windows: Sequence[Window]) -> float:
    started = time.perf_counter()
    score_each(engine, windows)
    return time.perf_counter() - started
