"""pgjdbc behind HikariCP, as a Java application asks; the jars come from a Maven repository, once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
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
    return _java("Ask.java", [url, user, password, statement, request]).splitlines()


def first_columns(url: str, user: str, calls: Sequence[tuple[str, Sequence[object]]]) -> list[list[str]]:
    """The first column of the rows of each call; parameters are numbers, texts and lists of texts.

    Raises:
        MissingToolError, AssertionError: see `ask`.
    """
    lines = "".join("\t".join([statement, *map(_written, given)]) + "\n" for statement, given in calls)
    return [line.split("|") for line in _java("Calls.java", [url, user], lines).splitlines()]


def _written(parameter: object) -> str:
    if isinstance(parameter, list):
        return "a" + "|".join(parameter)
    return f"i{parameter}" if isinstance(parameter, int) else f"s{parameter}"


def _java(program: str, arguments: Sequence[str], text: str = "") -> str:
    java = shutil.which("java", path=f"{os.environ.get('JAVA_HOME', '')}/bin:{os.environ['PATH']}")
    if java is None or shutil.which("mvn") is None:
        raise MissingToolError("a JDK and Maven are needed: run tests/install-system-packages as root")
    _JARS.mkdir(parents=True, exist_ok=True)
    with FileLock(_JARS / ".lock"):
        if not list(_JARS.glob("HikariCP*.jar")):
            _fetch()
    command = [java, "-cp", f"{_JARS}/*", str(_SOURCES / program), *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _fetch() -> None:
    pom = str(_SOURCES / "pom.xml")
    command = ["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", f"-DoutputDirectory={_JARS}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise MissingToolError(f"Maven could not fetch pgjdbc and HikariCP: {done.stdout[-2000:]}")
