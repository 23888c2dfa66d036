"""pgjdbc behind HikariCP, as a Java application asks; the jars come from a Maven repository, once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from filelock import FileLock

from integration.postgres.extensions import REPOSITORY, MissingToolError

_SOURCES = Path(__file__).parent / "jdbc"
_JARS = REPOSITORY / ".cache" / "jdbc"


def ask(url: str, user: str, password: str, statement: str, request: str) -> list[str]:
    """What the column `answer` of the first row has, each time that it was asked.

    Raises:
        MissingToolError: there is no JDK or no Maven, or the jars can't be had.
        AssertionError: it failed.
    """
    java = shutil.which("java", path=f"{os.environ.get('JAVA_HOME', '')}/bin:{os.environ['PATH']}")
    if java is None or shutil.which("mvn") is None:
        raise MissingToolError("a JDK and Maven are needed: run tests/install-system-packages as root")
    _JARS.mkdir(parents=True, exist_ok=True)
    with FileLock(_JARS / ".lock"):
        if not list(_JARS.glob("HikariCP*.jar")):
            _fetch()
    command = [java, "-cp", f"{_JARS}/*", str(_SOURCES / "Ask.java"), url, user, password, statement, request]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _fetch() -> None:
    pom = str(_SOURCES / "pom.xml")
    command = ["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", f"-DoutputDirectory={_JARS}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise MissingToolError(f"Maven could not fetch pgjdbc and HikariCP: {done.stdout[-2000:]}")
