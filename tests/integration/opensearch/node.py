"""A real OpenSearch node from a Maven repository, with the plugin installed; nothing else has to be there.

A node's home is a folder of its own below the system's temporary one, readable by the user that runs it:
OpenSearch refuses to run as root, so that root hands it over to nobody.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx
from filelock import FileLock

CONNECTORS = Path(__file__).resolve().parents[3] / "connectors" / "opensearch"
NOBODY = 65534
BOOT_TIMEOUT_S = 120.0

_JDK_FOLDERS = (
    "usr/lib/jvm/*",
    "usr/java/*",
    "opt/java/*",
    "opt/jdk*",
    "Library/Java/JavaVirtualMachines/*/Contents/Home",
)
_PIPELINE_CLASS = "org.opensearch.search.pipeline.common.SearchPipelineCommonModulePlugin"
_LOG4J = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
_NETTY_PERMISSIONS = """\
  permission java.io.FilePermission "/proc/sys/net/core/somaxconn", "read";
  permission java.net.SocketPermission "*", "accept,connect";
  permission java.lang.RuntimePermission "*", "setContextClassLoader";
  permission java.lang.RuntimePermission "getClassLoader";
  permission java.util.PropertyPermission "sun.nio.ch.bugLevel", "write";
"""


class MissingToolError(Exception):
    """Something that a node needs is not on this machine."""


@dataclass(frozen=True, slots=True)
class Release:
    """An OpenSearch release: which JDK builds and runs it, and what differs in its start."""

    version: str
    java: int
    newest_java: int
    maven: tuple[str, ...]
    jvm: tuple[str, ...]
    netty_class: str
    analysis_class: str
    netty_grants: tuple[str, ...]
    plugins: Mapping[str, str]

    @property
    def home(self) -> Path:
        """Where Maven lays out the jars."""
        return CONNECTORS / "node" / "target" / f"opensearch-{self.version}"

    @property
    def plugin_zip(self) -> Path:
        """Where Maven puts the plugin."""
        folder = CONNECTORS / "plugin" / "target" / f"opensearch-{self.version}"
        return folder / f"jrerank-0.1.0-opensearch-{self.version}.zip"


OPENSEARCH_3 = Release(
    version="3.8.0",
    java=21,
    newest_java=25,
    maven=(),
    jvm=(
        "--add-modules=jdk.incubator.vector",
        "--enable-native-access=ALL-UNNAMED",
        "-javaagent:agent/opensearch-agent-3.8.0.jar",
    ),
    netty_class="org.opensearch.transport.Netty4ModulePlugin",
    analysis_class="org.opensearch.analysis.common.CommonAnalysisModulePlugin",
    netty_grants=("grant",),
    plugins={"analysis-kuromoji": "org.opensearch.plugin.analysis.kuromoji.AnalysisKuromojiPlugin"},
)
OPENSEARCH_2 = Release(
    version="2.19.6",
    java=17,
    newest_java=21,
    maven=("-P", "opensearch-2", "-Dopensearch.version=2.19.6"),
    jvm=("-Djava.security.manager=allow",),
    netty_class="org.opensearch.transport.Netty4Plugin",
    analysis_class="org.opensearch.analysis.common.CommonAnalysisPlugin",
    netty_grants=(
        'grant codeBase "${codebase.netty-common}"',
        'grant codeBase "${codebase.netty-transport}"',
    ),
    plugins={},
)


def find_jdk(oldest: int, newest: int) -> Path:
    """The home of a JDK of a fitting version: `JAVA_HOME`, else the newest in the usual folders."""
    found = [Path(match) for pattern in _JDK_FOLDERS for match in Path("/").glob(pattern)]
    found.sort(key=_java_version, reverse=True)
    if named := os.environ.get("JAVA_HOME"):
        found.insert(0, Path(named))
    for home in found:
        if oldest <= _java_version(home) <= newest:
            return home
    raise MissingToolError(f"no JDK {oldest} to {newest}: set JAVA_HOME to one")


def _java_version(home: Path) -> int:
    """Its feature release, or 0 where the folder is no JDK."""
    release = home / "release"
    if not (home / "bin" / "javac").exists() or not release.exists():
        return 0
    match = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.MULTILINE)
    return int(match[1]) if match else 0


def maven(release: Release, project: str, *arguments: str) -> None:
    """Runs Maven offline, and with the network only where that was not enough."""
    if shutil.which("mvn") is None:
        raise MissingToolError("no Maven (mvn) on the PATH")
    jdk = find_jdk(release.java, release.newest_java)
    command = ["mvn", "-q", "-B", "-f", str(CONNECTORS / project / "pom.xml"), *arguments]
    offline = _run([*command, "-o"], jdk)
    if offline.returncode != 0 and "offline mode" in offline.stdout:
        offline = _run(command, jdk)
    if offline.returncode != 0:
        raise AssertionError(f"{' '.join(command)}\n{offline.stdout[-8000:]}")


def _run(command: Sequence[str], jdk: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "JAVA_HOME": str(jdk)}
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def build_home(release: Release) -> Path:
    """The jars of a node, laid out; from the last time where nothing has changed."""
    if not _is_fresh(release.home / "lib", [CONNECTORS / "node" / "pom.xml"]):
        shutil.rmtree(release.home, ignore_errors=True)
        maven(release, "node", "package", *release.maven)
        os.utime(release.home / "lib")
    return release.home


def build_plugin(release: Release) -> Path:
    """The plugin's zip; from the last time where nothing has changed."""
    plugin = CONNECTORS / "plugin"
    sources = [plugin / "pom.xml", *(path for path in (plugin / "src").rglob("*") if path.is_file())]
    if not _is_fresh(release.plugin_zip, sources):
        maven(release, "plugin", "package", "-DskipTests", *plugin_properties(release))
    return release.plugin_zip


def plugin_properties(release: Release) -> tuple[str, str]:
    """What makes the plugin's pom build for a release."""
    return (f"-Dopensearch.version={release.version}", f"-Dmaven.compiler.release={release.java}")


def _is_fresh(made: Path, sources: Sequence[Path]) -> bool:
    return made.exists() and made.stat().st_mtime >= max(source.stat().st_mtime for source in sources)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Node:
    """One node; `settings` go to opensearch.yml, `secrets` to the keystore, `files` beside both."""

    release: Release = OPENSEARCH_3
    settings: Mapping[str, object] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    heap: str = "512m"
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
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> Path:
        """What it prints."""
        assert self._home is not None
        return self._home / "logs" / "console.log"

    def __enter__(self) -> Node:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Builds what is missing, boots, and waits until searches can be answered."""
        jdk = find_jdk(self.release.java, self.release.newest_java)
        with FileLock(CONNECTORS / "node" / ".lock"):
            home, plugin = build_home(self.release), build_plugin(self.release)
        self._home = Path(tempfile.mkdtemp(prefix="jrerank-opensearch-"))
        try:
            self._install(home, plugin, jdk)
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
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def _install(self, jars: Path, plugin: Path, jdk: Path) -> None:
        assert self._home is not None
        shutil.copytree(jars, self._home, dirs_exist_ok=True)
        for folder in ("bin", "plugins", "extensions", "config", "data", "logs", "tmp"):
            (self._home / folder).mkdir(exist_ok=True)
        with zipfile.ZipFile(plugin) as archive:
            archive.extractall(self._home / "plugins" / "jrerank")
        self._describe_modules()
        self._configure()
        if self.secrets:
            self._make_keystore(jdk)
        self._hand_over()

    def _describe_modules(self) -> None:
        modules = {
            "modules/transport-netty4": self.release.netty_class,
            "modules/analysis-common": self.release.analysis_class,
            "modules/search-pipeline-common": _PIPELINE_CLASS,
        }
        modules |= {f"plugins/{name}": main for name, main in self.release.plugins.items()}
        for folder, main in modules.items():
            self._write(f"{folder}/plugin-descriptor.properties", self._descriptor(Path(folder).name, main))
        grants = "\n".join(f"{grant} {{\n{_NETTY_PERMISSIONS}}};" for grant in self.release.netty_grants)
        self._write("modules/transport-netty4/plugin-security.policy", grants + "\n")

    def _descriptor(self, name: str, main: str) -> str:
        version = self.release.version
        java = self.release.java
        lines = (f"name={name}", f"description={name}", f"version={version}", f"opensearch.version={version}")
        return "\n".join((*lines, f"java.version={java}", f"classname={main}")) + "\n"

    def _configure(self) -> None:
        settings = {
            "cluster.name": "jrerank",
            "node.name": "node-1",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": free_port(),
            "discovery.type": "single-node",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "path.data": f"{self._home}/data",
            "path.logs": f"{self._home}/logs",
            **self.settings,
        }
        self._write(
            "config/opensearch.yml", "".join(f"{name}: {value}\n" for name, value in settings.items())
        )
        self._write("config/log4j2.properties", _LOG4J)
        for name, text in self.files.items():
            self._write(f"config/{name}", text)

    def _write(self, name: str, text: str) -> None:
        assert self._home is not None
        (self._home / name).write_text(text, encoding="utf-8")

    def _make_keystore(self, jdk: Path) -> None:
        lines = "".join(f"{name}={secret}\n" for name, secret in self.secrets.items())
        source = CONNECTORS / "node" / "MakeKeystore.java"
        command = [
            str(jdk / "bin" / "java"),
            "-cp",
            f"{self._home}/lib/*",
            str(source),
            f"{self._home}/config",
        ]
        made = subprocess.run(command, input=lines, text=True, check=False, capture_output=True)
        assert made.returncode == 0, made.stderr

    def _hand_over(self) -> None:
        assert self._home is not None
        self._home.chmod(0o755)
        if os.getuid() == 0:
            for path in (self._home, *self._home.rglob("*")):
                os.chown(path, NOBODY, NOBODY)

    def _boot(self, jdk: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [
            str(jdk / "bin" / "java"),
            f"-Xms{self.heap}",
            f"-Xmx{self.heap}",
            "-XX:+UseSerialGC",
            *self.jvm,
            f"-Djava.io.tmpdir={self._home}/tmp",
            "-Djava.locale.providers=SPI,CLDR",
            "-Dfile.encoding=UTF-8",
            "-Dlog4j2.disable.jmx=true",
            "-Dlog4j.shutdownHookEnabled=false",
            *self.release.jvm,
            f"-Dopensearch.path.home={self._home}",
            f"-Dopensearch.path.conf={self._home}/config",
            "-cp",
            "lib/*",
            "org.opensearch.bootstrap.OpenSearch",
        ]
        user = NOBODY if os.getuid() == 0 else None
        groups: Sequence[int] | None = () if os.getuid() == 0 else None
        return subprocess.Popen(
            command, cwd=self._home, stdout=log, stderr=log, user=user, group=user, extra_groups=groups
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        health = f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=5s"
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                raise AssertionError(f"the node ended while booting:\n{self._tail()}")
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(health, timeout=10, trust_env=False).status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the node was not ready after {BOOT_TIMEOUT_S:.0f} s:\n{self._tail()}")

    def _tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-6000:]

    def signal(self, number: signal.Signals) -> None:
        """Sends the node's process a signal."""
        os.kill(self.pid, number)
