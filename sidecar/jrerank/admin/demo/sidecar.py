"""The sidecar that a demo asks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jrerank.errors import ConfigurationError

_START_TIMEOUT_S = 120
_PREFIX = "JRERANK_"
# Models that are there already
_KEPT = {"JRERANK_CACHE_DIR"}
# Its log tells where it listens
_NEEDED = {"JRERANK_LOG_FORMAT": "json", "JRERANK_LOG_LEVEL": "info", "JRERANK_HOST": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class StartedSidecar:
    """Where it listens, and its process."""

    url: str
    pid: int


@contextmanager
def running_sidecar(model: str, precision: str) -> Iterator[str]:
    """A sidecar of our own on a free port: its URL. It is stopped at the end. Of JRERANK_* variables it has none but the cache's.

    Raises:
        ConfigurationError: it did not start; the message is the sidecar's own.
    """
    with started_sidecar(model, precision, _without_settings(os.environ)) as sidecar:
        yield sidecar.url


@contextmanager
def started_sidecar(
    model: str, precision: str, environment: Mapping[str, str] | None = None
) -> Iterator[StartedSidecar]:
    """As `running_sidecar`, with its process, and with all of `environment`, or of ours: a load test may be of any settings.

    Raises:
        ConfigurationError: it did not start; the message is the sidecar's own.
    """
    command = [
        sys.executable,
        "-m",
        "jrerank.admin",
        "serve",
        "--port",
        "0",
        "--model",
        model,
        "--precision",
        precision,
    ]
    variables = os.environ if environment is None else environment
    with tempfile.TemporaryDirectory(prefix="jrerank-demo-") as folder:
        log = Path(folder) / "sidecar.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(command, stderr=stream, env={**variables, **_NEEDED})
        try:
            yield StartedSidecar(f"http://127.0.0.1:{_port(process, log)}", process.pid)
        finally:
            process.terminate()
            process.wait()


def _without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """A demo would be refused without somebody's own sidecar's key, or would measure two models as one."""
    return {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith(_PREFIX) or name.upper() in _KEPT
    }


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        said = log.read_text()
        if found := re.search(
            r'"port": (\d+), "event": "listening"|"event": "listening".*"port": (\d+)', said
        ):
            return int(found.group(1) or found.group(2))
        if process.poll() is not None:
            raise ConfigurationError(f"the sidecar did not start: {said.strip()}")
        time.sleep(0.05)
    raise ConfigurationError(f"the sidecar did not listen within {_START_TIMEOUT_S} s")
