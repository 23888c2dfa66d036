"""A container engine: the one that answers, or one of our own that leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_START_S = 60
# Images in memory, where unpacking and removing them takes no disk; gone with the mounts
_START = 'mkdir "$0/data" && mount -t tmpfs -o size=6g images "$0/data" && exec "$@"'


@dataclass(frozen=True)
class Engine:
    """`environment` points the command line to it; `pulls` says whether it may have images from a registry."""

    environment: dict[str, str] = field(default_factory=dict)
    pulls: bool = True

    def run(self, *arguments: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        """`docker` and `arguments`; the output is text."""
        done = subprocess.run(
            ["docker", *arguments],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **options,
        )
        assert done.returncode == 0 or not check, done.stdout
        return done

    def build(self, dockerfile: str, tag: str, context: Path) -> None:
        # The host's network, since an engine of our own has none for its containers
        self.run(
            "build", "--network", "host", "--file", str(context / dockerfile), "--tag", tag, str(context)
        )

    def inspect(self, name: str) -> dict[str, Any]:
        (found,) = json.loads(self.run("inspect", name).stdout)
        return dict(found)


def why_none() -> str | None:
    """What is missing for an engine, if none answers."""
    if shutil.which("docker") is None:
        return "no docker"
    if Engine().run("info", check=False).returncode == 0:
        return None
    if os.geteuid() != 0:
        return "no container engine answers, and only root can start one"
    missing = [tool for tool in ("dockerd", "debootstrap") if shutil.which(tool) is None]
    return f"no container engine answers, and there is no {missing[0]} to start one" if missing else None


@contextmanager
def container_engine() -> Iterator[Engine]:
    """The engine that answers, else one that is started; see `why_none`."""
    if Engine().run("info", check=False).returncode == 0:
        yield Engine()
        return
    # Not below pytest's folder, whose path is too long for a socket's
    folder = Path(tempfile.mkdtemp(prefix="engine-"))
    process = _start(folder)
    try:
        # An engine of Debian's age has no BuildKit of its own
        engine = Engine({"DOCKER_HOST": f"unix://{folder}/sock", "DOCKER_BUILDKIT": "0"}, pulls=False)
        _await(engine, process, folder)
        yield engine
    finally:
        process.terminate()
        process.wait(_START_S)
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    """Without a bridge and rules for packets, and with mounts of its own: the machine stays as it is."""
    places = [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [
                "unshare",
                "--mount",
                "sh",
                "-c",
                _START,
                str(folder),
                "dockerd",
                f"--host=unix://{folder}/sock",
                *places,
                "--bridge=none",
                "--iptables=false",
            ],
            stdout=log,
            stderr=log,
        )


def _await(engine: Engine, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _START_S
    while engine.run("info", check=False).returncode != 0:
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        assert time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
        time.sleep(0.2)
