"""`python -m bench.attacks` (from `make attacks`): exits with 1 where an honest caller had to wait, or memory stayed.

Each attack alone, then eight at once, each in a process of its own and with a key of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bench.attacks.attacker import READY
from bench.attacks.attacks import ALL_AT_ONCE, ATTACKS, STORE, WITHOUT_KEYS, number_of
from bench.attacks.prober import Waits, health, probe, rerank
from jrerank.bench.load.memory import resident_bytes
from jrerank.settings import Settings
from sidecars import RunningSidecar, running_sidecar

MODEL = "random:xsmall-v2"
HONEST, ATTACKER = "key-of-the-honest", "key-of-the-attacker"
BUDGET_BYTES: int = Settings.model_fields["max_open_body_bytes"].default
MORE_MEMORY = 1.10
# What they hold is bounded by these, whoever asks, and is no attack's: without them it is seen what else stays
NO_CACHES = {"cache_bytes": "0", "token_cache_bytes": "0"}
WARM_UP_S, SETTLED_S, MOST_SETTLING_S = 4.0, 3.0, 15.0
ALL = "eight"
# A name for people, and the numbers of the attacks that go on at once
Round = tuple[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one attack: what the honest caller saw, and what the sidecar held."""

    name: str
    seconds: float
    health: Waits
    rerank: Waits
    peak_bytes: int
    after_bytes: int
    ended: Sequence[int | None]  # how each attacker did: with an error where it hit nothing

    def line(self) -> str:
        """For people."""
        seen = [
            f"{waits.p99_ms:7.0f} {max(waits.ms, default=0.0):7.0f} {len(waits.failures):5}"
            for waits in (self.health, self.rerank)
        ]
        held = f"{self.peak_bytes / 1e6:7.0f} {self.after_bytes / 1e6:7.0f}"
        return f"{self.name:26} {seen[0]} {seen[1]} {held}"

    def faults(self, base_bytes: int) -> list[str]:
        """What must not be."""
        found = [f"{kind} {fault}" for kind, waits in self._waits() for fault in waits.faults(self.seconds)]
        if any(self.ended):
            found.append("an attacker ended with an error: it hit nothing")
        if self.peak_bytes > 2 * BUDGET_BYTES + base_bytes:
            found.append(f"{self.peak_bytes / 1e6:.0f} MB")
        if self.after_bytes > MORE_MEMORY * base_bytes:
            found.append(f"{self.after_bytes / 1e6:.0f} MB afterwards")
        return [f"{self.name}: {one}" for one in found]

    def _waits(self) -> Sequence[tuple[str, Waits]]:
        return (("health", self.health), ("rerank", self.rerank))


def main() -> int:
    """1 where there are faults."""
    numbers = [number_of(name) for name in ATTACKS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each attack")
    parser.add_argument("--only", nargs="*", choices=[*numbers, ALL], default=[*numbers, ALL])
    chosen = parser.parse_args()
    faults = _faults(*rounds(chosen.only), chosen.seconds)
    for fault in faults:
        print(f"FAULT: {fault}", flush=True)
    print("nobody noticed" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


def rounds(chosen: Collection[str]) -> tuple[list[Round], list[Round]]:
    """Those against a sidecar with keys, and those against one without."""
    numbers = {name: number for name in ATTACKS if (number := number_of(name)) in chosen}
    with_keys: list[Round] = [(name, [one]) for name, one in numbers.items() if one not in WITHOUT_KEYS]
    without_keys: list[Round] = [(name, [one]) for name, one in numbers.items() if one in WITHOUT_KEYS]
    if ALL in chosen:
        with_keys.append(("eight at once", ALL_AT_ONCE))
    return with_keys, without_keys


def _faults(with_keys: Sequence[Round], without_keys: Sequence[Round], seconds: float) -> list[str]:
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        if with_keys:
            with _sidecar_with_keys(Path(folder)) as sidecar:
                faults += _verdicts(sidecar, with_keys, seconds)
        if without_keys:
            with running_sidecar(Path(folder), MODEL, pgwire_port="0", **NO_CACHES) as sidecar:
                faults += _verdicts(sidecar, without_keys, seconds)
    return faults


@contextmanager
def _sidecar_with_keys(folder: Path) -> Iterator[RunningSidecar]:
    """It has a store too, whose engine is in a process of its own."""
    with _engine() as engine:
        store = {
            "kind": "opensearch",
            "urls": [engine],
            "index": "docs",
            "text_fields": "body",
            "returns_text": True,
        }
        stores, keys = json.dumps({STORE: store}), f"{HONEST},{ATTACKER}"
        with running_sidecar(
            folder, MODEL, api_keys=keys, pgwire_port="0", stores=stores, **NO_CACHES
        ) as sidecar:
            yield sidecar


def _verdicts(sidecar: RunningSidecar, attacks: Sequence[Round], seconds: float) -> list[str]:
    _probed(sidecar, WARM_UP_S)
    _read_long(sidecar)
    base_bytes = resident_bytes(sidecar.process.pid)
    print(
        f"base {base_bytes / 1e6:.0f} MB; ms and failures of /health, then of five documents; MB at most and afterwards"
    )
    print(
        f"{'attack':26} {'p99':>7} {'max':>7} {'fail':>5} {'p99':>7} {'max':>7} {'fail':>5} {'most':>7} {'after':>7}"
    )
    faults = []
    for name, numbers in attacks:
        verdict = _attacked(sidecar, name, numbers, seconds, base_bytes)
        print(verdict.line(), flush=True)
        faults += verdict.faults(base_bytes)
    return faults


def _read_long(sidecar: RunningSidecar) -> None:
    """The engine keeps the buffers that its longest window took, some 30 MB: no attack leaves those behind."""
    body = {"query": "山", "documents": [f"{number}番目の長い文章。" * 200 for number in range(30)]}
    headers = {"authorization": f"Bearer {HONEST}"}
    httpx.post(f"{sidecar.url}/v1/rerank", json=body, headers=headers, timeout=60).raise_for_status()
    time.sleep(SETTLED_S)


def _attacked(
    sidecar: RunningSidecar, name: str, numbers: Sequence[str], seconds: float, base_bytes: int
) -> Verdict:
    pid = sidecar.process.pid
    with ExitStack() as stack:
        attackers = [stack.enter_context(_attacker(sidecar, number, seconds)) for number in numbers]
        _forget_peak(pid)
        for attacker in attackers:
            _start(attacker)
        waits = _probed(sidecar, seconds)
        ended = [attacker.poll() for attacker in attackers]
    peak_bytes, after_bytes = _peak_bytes(pid), _settled_bytes(pid, MORE_MEMORY * base_bytes)
    return Verdict(name, seconds, *waits, peak_bytes, after_bytes, ended)


def _probed(sidecar: RunningSidecar, seconds: float) -> tuple[Waits, Waits]:
    where = urlsplit(sidecar.url)
    waits = (Waits(), Waits())

    async def both() -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(
            *(
                probe(ask, where.hostname or "", where.port or 80, HONEST, of_kind, until)
                for ask, of_kind in zip((health, rerank), waits, strict=True)
            )
        )

    asyncio.run(both())
    return waits


def _settled_bytes(pid: int, enough_bytes: float) -> int:
    """The least that is held within a while after the attack."""
    least, give_up = resident_bytes(pid), time.monotonic() + MOST_SETTLING_S
    while least > enough_bytes and time.monotonic() < give_up:
        time.sleep(0.5)
        least = min(least, resident_bytes(pid))
    return least


def _forget_peak(pid: int) -> None:
    (Path("/proc") / str(pid) / "clear_refs").write_text("5")


def _peak_bytes(pid: int) -> int:
    status = (Path("/proc") / str(pid) / "status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


@contextmanager
def _attacker(sidecar: RunningSidecar, number: str, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Has loaded all it needs, and waits to be started."""
    arguments = (number, sidecar.url, str(sidecar.pgwire_port), ATTACKER, str(seconds))
    with _python("bench.attacks.attacker", *arguments) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == READY
        yield process


def _start(attacker: subprocess.Popen[str]) -> None:
    assert attacker.stdin is not None
    attacker.stdin.write("\n")
    attacker.stdin.flush()


@contextmanager
def _engine() -> Iterator[str]:
    with _python("bench.attacks.engine") as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


@contextmanager
def _python(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


if __name__ == "__main__":
    sys.exit(main())
