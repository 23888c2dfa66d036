"""`python -m bench.attacks.attacker NUMBER URL WIRE_PORT KEY SECONDS`: one attacker, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

from bench.attacks.attacks import named
from bench.soak.honest import Target
from bench.soak.hostile import Attack
from jrerank.evaluation.dataset import load_dataset

CHARS, TEXTS = 300, 2_000
# An attacker is elsewhere: it must not take the processor time of what it attacks
NICENESS = 15
READY = "ready"


async def _attack(attack: Attack, target: Target) -> None:
    while True:
        with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError):
            await attack(target)
        await asyncio.sleep(0)


async def main(number: str, url: str, wire_port: str, key: str, seconds: str) -> None:
    """Attack for so long, from the moment on when a line comes."""
    texts = list(load_dataset().passages.values())[:TEXTS]
    target = Target(url, int(wire_port), key, {str(place): text[:CHARS] for place, text in enumerate(texts)})
    print(READY, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(float(seconds)):
            await asyncio.gather(*(_attack(attack, target) for attack in named(number)))


if __name__ == "__main__":
    os.nice(NICENESS)
    asyncio.run(main(*sys.argv[1:]))
