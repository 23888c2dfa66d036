"""The sidecars that the databases ask: real ones, one that can be killed and stopped, and one that lies."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from jrerank.admin.ports import free_port
from sidecars import SERVE, RunningSidecar

API_KEY = "key-that-nobody-may-read"


@dataclass(frozen=True)
class Address:
    """Where a sidecar's doors are."""

    url: str
    pgwire_port: int


@dataclass(frozen=True)
class KeyedSidecar:
    """A sidecar with both doors, which wants `API_KEY`."""

    running: RunningSidecar
    pgwire_port: int

    @property
    def address(self) -> Address:
        return Address(self.running.url, self.pgwire_port)


@dataclass
class RestartableSidecar:
    """A sidecar of its own process, always at the same address."""

    folder: Path
    port: int = field(default_factory=free_port)
    pgwire_port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> Address:
        return Address(f"http://127.0.0.1:{self.port}", self.pgwire_port)

    def start(self) -> None:
        """Start it, unless it runs, and wait until both doors are open."""
        if self._process is None:
            command = [*SERVE, "--model", "bundled", "--port", str(self.port)]
            variables = {"JRERANK_API_KEYS": API_KEY, "JRERANK_PGWIRE_PORT": str(self.pgwire_port)}
            with (self.folder / "sidecar.log").open("ab") as log:
                self._process = subprocess.Popen(command, stderr=log, env={**os.environ, **variables})
        deadline = time.monotonic() + 60
        while not self._ready():
            assert time.monotonic() < deadline, (self.folder / "sidecar.log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """SIGSTOP: its ports accept, and nobody is at home."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        if self._process is not None:
            self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _ready(self) -> bool:
        door = ("127.0.0.1", self.pgwire_port)
        with (
            contextlib.suppress(httpx.TransportError, OSError),
            socket.create_connection(door, timeout=5),
        ):
            return httpx.get(f"{self.address.url}/ready", timeout=5).status_code == 200
        return False
