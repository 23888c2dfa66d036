"""The engine's speed before the first request: admission cannot do without it."""

from __future__ import annotations

import time

from jrerank.engines.engine import Engine, score_each
from jrerank.scheduling.throughput import Throughput
from jrerank.tokenization.windows import Reading, Tokenization, Windows

_QUERY = "富士山の高さはどのくらいか"
_PASSAGE = "富士山は静岡県と山梨県にまたがる活火山で、標高は3776メートルである。" * 8


def calibrated(engine: Engine, tokenization: Tokenization) -> Throughput:
    """Measured by two runs, of which the first only warms up. Not for the event loop: it takes some milliseconds.

    One worker alone is faster than each of many; requests correct that as they come.
    """
    throughput = Throughput(engine.workers)
    query = tokenization.query(_QUERY, Reading())
    (passage,) = tokenization.passages(query, [_PASSAGE], Reading())
    if isinstance(passage, Windows):
        score_each(engine, passage.windows)
        started = time.perf_counter()
        score_each(engine, passage.windows)
        tokens = sum(map(len, passage.windows))
        throughput.calibrate(tokens, time.perf_counter() - started)
        if not passage.truncated:
            throughput.calibrate_texts(len(_QUERY) + len(_PASSAGE), tokens)
    return throughput
