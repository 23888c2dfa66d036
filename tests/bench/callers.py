"""Many callers at once: `python -m bench.callers` (from `make bench-callers`). How long does each wait, whatever it gets?

Each asks again as soon as it has its answer, refusals included. They are in a process of their own, on the machine of the sidecar:
what it costs to make a request there is kept small, since it would come out of the sidecar's time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from bench.connection import Connection
from bench.percentile import percentile
from jrerank.evaluation.dataset import load_dataset
from sidecars import running_sidecar

MODEL = "random:xsmall-v2"
TEXTS = 4_000
# The slowest of a hundred answers, and the slowest of all, in ms
BOUNDS = {60: (400.0, 1_000.0), 200: (600.0, 1_000.0)}
WARM_UP_S = 2.0
GRACE_S = 60.0


@dataclass
class Requests:
    """No two are equal, so that no cache answers; the passages are written as JSON beforehand."""

    hits: int
    chars: int
    timeout_ms: int
    _pool: list[bytes] = field(init=False)
    _numbers: count[int] = field(default_factory=count, init=False)

    def __post_init__(self) -> None:
        text = "".join("".join(load_dataset().passages.values()).split())
        texts = (_cut(text, number * self.chars // 2, self.chars) for number in range(TEXTS))
        self._pool = [
            json.dumps({"id": f"p{number}", "text": passage}, ensure_ascii=False).encode()
            for number, passage in enumerate(texts)
        ]

    def next(self) -> bytes:
        """The next body."""
        begin = random.randrange(TEXTS - self.hits)
        hits = b",".join(self._pool[begin : begin + self.hits])
        head = f'{{"query": "富士山の高さ {next(self._numbers)}", "timeout_ms": {self.timeout_ms}, "hits": ['
        return head.encode() + hits + b"]}"


@dataclass
class Waits:
    """How long callers waited, in ms, and what they got."""

    ms: list[float] = field(default_factory=list)
    of_refusals: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, took_ms: float, outcome: str) -> None:
        """One answer."""
        self.ms.append(took_ms)
        self.outcomes[outcome] += 1
        if outcome == "429":
            self.of_refusals.append(took_ms)

    def line(self, callers: int, seconds: float) -> str:
        """For people."""
        cuts = (f"p{percent} {percentile(self.ms, percent):.0f}" for percent in (50, 90, 99))
        slowest = max(self.ms, default=0.0)
        refused = f", 429s p99 {percentile(self.of_refusals, 99):.0f}" if self.of_refusals else ""
        return (
            f"{callers} callers: {len(self.ms) / seconds:.0f} answers/s, {', '.join(cuts)}, max {slowest:.0f} ms{refused};"
            f" {dict(self.outcomes)}"
        )


def main() -> int:
    """1 where somebody waited for too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, nargs="+", default=list(BOUNDS))
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--hits", type=int, default=100)
    parser.add_argument("--chars", type=int, default=300)
    parser.add_argument("--timeout-ms", type=int, default=300)
    parser.add_argument("--url", help="of a sidecar that runs already; without keys")
    parser.add_argument(
        "--keys", choices=["shared", "own"], nargs="+", default=["shared", "own"], help="what callers have"
    )
    chosen = parser.parse_args()
    requests = Requests(chosen.hits, chosen.chars, chosen.timeout_ms)
    if chosen.url:
        return _measured(
            chosen.url, requests, [(callers, None) for callers in chosen.callers], chosen.seconds
        )
    keys = {"shared": ["shared"], "own": [f"own-{number}" for number in range(max(chosen.callers))]}
    rounds = [(callers, keys[kind]) for kind in chosen.keys for callers in chosen.callers]
    api_keys = ",".join(keys["shared"] + keys["own"])
    with (
        tempfile.TemporaryDirectory() as folder,
        running_sidecar(Path(folder), MODEL, api_keys=api_keys) as sidecar,
    ):
        return _measured(sidecar.url, requests, rounds, chosen.seconds)


def _measured(
    url: str, requests: Requests, rounds: Sequence[tuple[int, Sequence[str] | None]], seconds: float
) -> int:
    misses = 0
    for callers, keys in rounds:
        waits = asyncio.run(closed_loop(url, requests, callers, seconds, keys))
        print(
            "own keys:" if keys and len(keys) > 1 else "one key: ", waits.line(callers, seconds), flush=True
        )
        p99_ms, most_ms = BOUNDS.get(callers, (float("inf"), float("inf")))
        misses += not waits.ms or percentile(waits.ms, 99) > p99_ms or max(waits.ms) > most_ms
    print("in time" if not misses else f"{misses} of {len(rounds)} too slow")
    return 1 if misses else 0


async def closed_loop(
    url: str, requests: Requests, callers: int, seconds: float, keys: Sequence[str] | None = None
) -> Waits:
    """So many callers ask for so long, each with the next of the keys; what comes while they all begin is left out."""
    waits, begun = Waits(), time.perf_counter()
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 80

    async def ask(number: int) -> None:
        connection = await Connection.open(host, port, keys[number % len(keys)] if keys else None)
        while (asked := time.perf_counter()) - begun < WARM_UP_S + seconds:
            async with asyncio.timeout(GRACE_S):
                answer = await connection.post("/v1/hits", requests.next())
            if asked - begun >= WARM_UP_S:
                outcome = answer.header("x-jrerank-outcome") or str(answer.status)
                waits.add((time.perf_counter() - asked) * 1000, outcome)
        connection.close()

    await asyncio.gather(*map(ask, range(callers)))
    return waits


def _cut(text: str, begin: int, chars: int) -> str:
    begin %= max(1, len(text) - chars)
    return text[begin : begin + chars]


if __name__ == "__main__":
    sys.exit(main())
