"""What Maven makes: the home of a node, and the plugin's zip. Made again only where the sources have changed.

A checkout keeps it in `target/` beside the sources, an installed package in the cache folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from filelock import FileLock

from jrerank import __version__
from jrerank.admin.opensearch_node.jdk import Jdk, find_jdk
from jrerank.admin.opensearch_node.releases import Release
from jrerank.errors import BuildFailed, MissingTool
from jrerank.settings import default_cache_dir
from jrerank.shipped import is_installed, shipped

Project = Literal["node", "plugin"]
_SHOWN_CHARS = 4000


def sources(project: Project) -> Path:
    """The folder of its pom."""
    return shipped("connectors") / "opensearch" / project


def target(project: Project) -> Path:
    """The folder that Maven writes to, with a subfolder `opensearch-VERSION` for each release."""
    if is_installed():
        return default_cache_dir() / "opensearch" / __version__ / project
    return sources(project) / "target"


def home_folder(release: Release) -> Path:
    """Where the jars of a node are laid out."""
    return target("node") / f"opensearch-{release.version}"


def plugin_zip(release: Release) -> Path:
    """Where the plugin is put."""
    name = f"jrerank-{__version__}-opensearch-{release.version}.zip"
    return target("plugin") / f"opensearch-{release.version}" / name


def build(release: Release) -> tuple[Path, Path]:
    """All that a node needs: its jars, laid out, and the plugin's zip.

    Raises:
        MissingTool: no Java to run it, no Maven.
        BuildFailed: Maven failed.
    """
    find_jdk(release.java, release.newest_java)
    return build_home(release), build_plugin(release)


def build_home(release: Release) -> Path:
    """The jars of a node, laid out.

    Raises:
        MissingTool: no Maven, or no Java for it.
        BuildFailed: Maven failed.
    """
    home = home_folder(release)

    def make() -> None:
        shutil.rmtree(home, ignore_errors=True)
        jdk = find_jdk(release.java, release.newest_java)
        maven(jdk, "node", "package", *release.maven)

    _make_where_stale("node", home / "lib", [sources("node") / "pom.xml"], make)
    return home


def build_plugin(release: Release) -> Path:
    """The plugin's zip.

    Raises:
        MissingTool: no Maven, or no Java for it.
        BuildFailed: Maven failed.
    """
    made, folder = plugin_zip(release), sources("plugin")
    files = [folder / "pom.xml", *(path for path in (folder / "src").rglob("*") if path.is_file())]
    tests = folder / "src" / "test"

    def make() -> None:
        jdk, compiler = _compiler(release)
        maven(jdk, "plugin", "package", "-DskipTests", *compiler, *plugin_properties(release))

    _make_where_stale("plugin", made, [path for path in files if tests not in path.parents], make)
    return made


def _compiler(release: Release) -> tuple[Jdk, tuple[str, ...]]:
    """A JDK, or else a Java runtime with Maven's arguments for a compiler that comes as a jar."""
    try:
        return find_jdk(release.java, release.newest_java, compiles=True), ()
    except MissingTool:
        return find_jdk(release.java, release.newest_java), ("-P", "runtime")


def plugin_properties(release: Release) -> tuple[str, str]:
    """What makes the plugin's pom build for a release."""
    return (f"-Dopensearch.version={release.version}", f"-Dmaven.compiler.release={release.java}")


def maven(jdk: Jdk, project: Project, *arguments: str) -> None:
    """Runs Maven offline, and with the network only where that was not enough.

    Raises:
        MissingTool: there is no Maven.
        BuildFailed: it failed; the message holds the end of what it printed.
    """
    if shutil.which("mvn") is None:
        raise MissingTool("no Maven: install it, so that `mvn` is on the PATH")
    pom = sources(project) / "pom.xml"
    command = ["mvn", "-q", "-B", "-f", str(pom), f"-Dtarget.folder={target(project)}", *arguments]
    ran = _run([*command, "-o"], jdk)
    if ran.returncode != 0 and "offline mode" in ran.stdout:
        ran = _run(command, jdk)
    if ran.returncode != 0:
        raise BuildFailed(f"Maven failed: {' '.join(command)}\n{ran.stdout[-_SHOWN_CHARS:].strip()}")


def _run(command: Sequence[str], jdk: Jdk) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "JAVA_HOME": str(jdk.home)}
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def _make_where_stale(project: Project, made: Path, files: Iterable[Path], make: Callable[[], None]) -> None:
    folder = target(project)
    folder.mkdir(parents=True, exist_ok=True)
    digest = _digest(files)
    seal = made.with_name(f"{made.name}.sources")
    with FileLock(folder / ".lock"):
        if made.exists() and seal.exists() and seal.read_text() == digest:
            return
        make()
        seal.write_text(digest)


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
