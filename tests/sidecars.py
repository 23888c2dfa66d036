"""A real sidecar in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

SERVE = (sys.executable, "-m", "jrerank.admin", "serve")


@dataclass(frozen=True)
class RunningSidecar:
    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pgwire_port(self) -> int:
        """Of a sidecar that was started with `pgwire_port="0"`."""
        return next(int(str(one["port"])) for one in self.events() if one["event"] == "pgwire_listening")

    def events(self) -> list[dict[str, object]]:
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def client(self, key: str | None = None) -> httpx.Client:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)


@contextmanager
def running_sidecar(
    folder: Path, model: str = "bundled", *, command: Sequence[str] = SERVE, **environment: str
) -> Iterator[RunningSidecar]:
    """Start it on a free port, wait until it listens, and stop it at the end."""
    log = folder / f"sidecar-{time.monotonic_ns()}.log"
    variables = {f"JRERANK_{name.upper()}": value for name, value in environment.items()}
    line = [*command, "--model", model, "--port", "0"]
    with log.open("wb") as stream:
        process = subprocess.Popen(line, stderr=stream, env={**os.environ, **variables})
    try:
        yield RunningSidecar(f"http://127.0.0.1:{_port(process, log)}", process, log)
    finally:
        process.terminate()
        process.wait(30)


def _port(process: subprocess.Popen[bytes], log: Path) -> object:
    for _ in range(2400):
        for line in log.read_text().splitlines():
            if '"listening"' in line:
                return json.loads(line)["port"]
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())
