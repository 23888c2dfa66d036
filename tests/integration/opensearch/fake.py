"""Fake sidecars as processes, to be killed, stopped and told to misbehave."""

from __future__ import annotations

import contextlib
import os
import signal
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from jrerank.admin.ports import free_port

_SERVER = Path(__file__).with_name("fake_server.py")


@dataclass
class FakeSidecar:
    """One process of `fake_server.py`, always on the same port; `certificate` makes it speak TLS."""

    certificate: tuple[Path, Path] | None = None
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, unless it runs, and waits until it answers."""
        if self._process is None:
            arguments = [str(self.port), *map(str, self.certificate or ())]
            self._process = subprocess.Popen([sys.executable, str(_SERVER), *arguments])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                self.asked()
                return
            time.sleep(0.02)
        raise AssertionError("the fake sidecar did not start")

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """SIGSTOP: its port accepts, and nobody is at home."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def behave(self, mode: str, **more: Any) -> None:
        """Answers in this way from now on."""
        self._client().put(
            f"{self.url}/control", json={"mode": mode, "delay_ms": 0, **more}
        ).raise_for_status()

    def asked(self) -> dict[str, Any]:
        """How often, by whom, and what last."""
        state: dict[str, Any] = self._client().get(f"{self.url}/control").json()
        return state

    def rerank(self, query: str, hits: list[dict[str, Any]]) -> dict[str, Any]:
        """Asks it directly."""
        answer: dict[str, Any] = (
            self._client().post(f"{self.url}/v1/hits", json={"query": query, "hits": hits}).json()
        )
        return answer

    def _client(self) -> httpx.Client:
        return _CLIENT


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_CLIENT = httpx.Client(
    trust_env=False, timeout=5, verify=_any_certificate(), limits=httpx.Limits(max_keepalive_connections=0)
)
