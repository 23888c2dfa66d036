"""`python -m bench.soak --minutes 30` (from `make soak`): exits with 1 where anything grew, failed or was not answered."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.soak.honest import CALLERS, Target, keep_asking
from bench.soak.hostile import ATTACKS, Attack, keep_attacking
from bench.soak.samples import Sample, growth
from bench.soak.sockets import dropped
from bench.soak.store import flapping_store
from bench.soak.tally import Tally
from jrerank.evaluation.dataset import load_dataset
from sidecars import RunningSidecar, running_sidecar

KEY = "a-key-of-the-soak"
FRAIL = (sys.executable, "-m", "bench.soak.frail", "serve")
PASSAGES, CHARS = 2_000, 300
CALLERS_OF_A_KIND = 3
STOP_TIMEOUT_S = 40
WIDTHS = {
    "second": 7,
    "RSS MB": 7,
    "files": 6,
    "threads": 7,
    "answered": 9,
    "refused": 8,
    "failed": 7,
    "p50 ms": 7,
    "p99 ms": 7,
}


def main() -> int:
    """The soak's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--every-s", type=float, default=10.0, help="between two lines")
    names = [attack.__name__ for attack in ATTACKS]
    parser.add_argument(
        "--attacks", nargs="*", choices=names, default=names, metavar="ATTACK", help=", ".join(names)
    )
    chosen = parser.parse_args()
    attacks = [attack for attack in ATTACKS if attack.__name__ in chosen.attacks]
    texts = list(load_dataset().passages.values())[:PASSAGES]
    passages = {f"p{number}": text[:CHARS] for number, text in enumerate(texts)}
    with tempfile.TemporaryDirectory() as folder, flapping_store(passages) as store:
        stores = {
            "docs": {"kind": "opensearch", "urls": [store.url], "index": "passages", "text_fields": "text"}
        }
        with running_sidecar(
            Path(folder),
            command=FRAIL,
            api_keys=KEY,
            pgwire_port="0",
            stores=json.dumps(stores),
            drain_s="20",
        ) as sidecar:
            faults = asyncio.run(_soak(sidecar, passages, attacks, chosen.minutes * 60, chosen.every_s))
        faults += _log_faults(sidecar)
    for fault in faults:
        print(f"FAULT: {fault}", flush=True)
    print("flat, and all answered" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


async def _soak(
    sidecar: RunningSidecar,
    passages: dict[str, str],
    attacks: Sequence[Attack],
    duration_s: float,
    every_s: float,
) -> list[str]:
    target = Target(sidecar.url, sidecar.pgwire_port, KEY, passages)
    tally, samples = Tally(), list[Sample]()
    honest = [
        asyncio.create_task(keep_asking(ask, target, tally))
        for ask in CALLERS
        for _ in range(CALLERS_OF_A_KIND)
    ]
    hostile = [asyncio.create_task(keep_attacking(attack, target)) for attack in attacks]
    print(*(f"{name:>{width}}" for name, width in WIDTHS.items()), flush=True)
    started, dropped_before = time.monotonic(), dropped()
    while (second := time.monotonic() - started) < duration_s:
        await asyncio.sleep(min(every_s, duration_s - second))
        samples.append(Sample.of(sidecar.process.pid, time.monotonic() - started))
        print(_line(samples[-1], tally), flush=True)
    target.closed_at = time.monotonic()
    sidecar.process.terminate()
    await asyncio.wait(honest, timeout=STOP_TIMEOUT_S)
    code = await asyncio.to_thread(sidecar.process.wait, STOP_TIMEOUT_S)
    for task in hostile:
        task.cancel()
    harmless = mistakes(await asyncio.gather(*hostile, return_exceptions=True))
    print(f"answered {dict(tally.answered)}\nrefused {dict(tally.refused)}\nexit code {code}", flush=True)
    print({name: count - dropped_before[name] for name, count in dropped().items()}, flush=True)
    unanswered = sum(not task.done() for task in honest)
    broken = [str(task.exception()) for task in honest if task.done() and task.exception() is not None]
    return [
        *growth(samples),
        *broken,
        *harmless,
        *tally.examples,
        *([f"{tally.failures} failures"] if tally.failures else []),
        *([f"{unanswered} callers never heard"] if unanswered else []),
        *([f"exit code {code}"] if code else []),
    ]


def mistakes(ended: Iterable[BaseException | None]) -> list[str]:
    """Of attackers who ended with an error: what they were meant to hit is not there, or they are wrong themselves."""
    return [f"an attacker ended: {error!r}" for error in ended if isinstance(error, Exception)]


def _line(sample: Sample, tally: Tally) -> str:
    held = (sample.second, sample.resident_bytes / 1e6, sample.files, sample.threads)
    told = (tally.answered.total(), tally.refused.total(), tally.failures, *tally.percentiles_ms())
    return " ".join(
        f"{number:{width}.0f}" for number, width in zip((*held, *told), WIDTHS.values(), strict=True)
    )


def _log_faults(sidecar: RunningSidecar) -> list[str]:
    """An error is a fault, but for those of workers that were killed, and of attackers who are cut off at the end."""
    events = sidecar.events()
    killed = sum("Killed" in json.dumps(one) for one in events)
    expected = ("Killed", "CancelledError", "timeout graceful shutdown exceeded")
    errors = [
        one
        for one in events
        if one.get("level") == "error" and not any(word in json.dumps(one) for word in expected)
    ]
    print(f"{killed} workers killed, {len(events)} lines of log")
    return [f"logged: {json.dumps(one)[:300]}" for one in errors[:10]]


if __name__ == "__main__":
    sys.exit(main())
