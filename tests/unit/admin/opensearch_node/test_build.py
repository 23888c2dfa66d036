"""When Maven runs, with what, and where it puts what it makes; what it really makes: tests/integration/opensearch."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jrerank import shipped as shipped_files
from jrerank.admin.opensearch_node import build
from jrerank.admin.opensearch_node.build import build_plugin, maven, plugin_zip
from jrerank.admin.opensearch_node.jdk import Jdk
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3
from jrerank.errors import BuildFailed, MissingTool

JDK = Jdk(Path("/jdk"), 25, frozenset(), compiles=True)
MAVEN = """\
#!{python}
import os, pathlib, sys
with open("{log}", "a") as log:
    log.write(os.environ["JAVA_HOME"] + " " + " ".join(sys.argv[1:]) + "\\n")
{body}
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sources as an installed package has them, with a cache folder, and `mvn` as a script."""
    plugin = tmp_path / "shipped" / "connectors" / "opensearch" / "plugin"
    (plugin / "src" / "main").mkdir(parents=True)
    (plugin / "pom.xml").write_text("<project/>")
    monkeypatch.setattr(shipped_files, "_PACKAGED", tmp_path / "shipped")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(build, "find_jdk", lambda oldest, newest, compiles=False: JDK)
    return tmp_path


def install_maven(machine: Path, body: str) -> Path:
    (machine / "bin").mkdir(exist_ok=True)
    log = machine / "maven.log"
    script = machine / "bin" / "mvn"
    script.write_text(MAVEN.format(python=sys.executable, log=log, body=body))
    script.chmod(0o755)
    return log


def test_the_zip_is_made_once_and_again_when_a_source_changes(machine: Path) -> None:
    zip_path = plugin_zip(OPENSEARCH_3)
    made = f"p = pathlib.Path('{zip_path}'); p.parent.mkdir(exist_ok=True); p.touch()"
    log = install_maven(machine, made)
    for _ in range(2):
        assert build_plugin(OPENSEARCH_3) == zip_path
    assert len(log.read_text().splitlines()) == 1
    (machine / "shipped/connectors/opensearch/plugin/src/main/New.java").touch()
    build_plugin(OPENSEARCH_3)
    assert len(log.read_text().splitlines()) == 2


def test_without_javac_a_runtime_and_a_compiler_from_the_repository_do(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_a_runtime(oldest: int, newest: int, *, compiles: bool = False) -> Jdk:
        if compiles:
            raise MissingTool
        return JDK

    monkeypatch.setattr(build, "find_jdk", only_a_runtime)
    zip_path = plugin_zip(OPENSEARCH_3)
    log = install_maven(machine, f"p = pathlib.Path('{zip_path}'); p.parent.mkdir(exist_ok=True); p.touch()")
    build_plugin(OPENSEARCH_3)
    assert "-P runtime" in log.read_text()


def test_an_installed_package_keeps_it_in_the_cache_folder(machine: Path) -> None:
    assert machine / "cache" / "jrerank" in plugin_zip(OPENSEARCH_3).parents


def test_a_checkout_keeps_it_beside_the_sources() -> None:
    assert plugin_zip(OPENSEARCH_3).parents[1] == build.sources("plugin") / "target"


def test_the_network_is_used_only_where_the_local_repository_is_not_enough(machine: Path) -> None:
    log = install_maven(machine, "if '-o' in sys.argv: print('cannot be had in offline mode'); sys.exit(1)\n")
    maven(JDK, "plugin", "package")
    offline, online = log.read_text().splitlines()
    assert offline.startswith("/jdk ")
    assert offline.endswith("package -o")
    assert online.endswith("package")


def test_what_maven_complained_of_is_told(machine: Path) -> None:
    install_maven(machine, "print('no symbol'); sys.exit(1)")
    with pytest.raises(BuildFailed, match="no symbol"):
        maven(JDK, "plugin", "package")


def test_no_maven_is_said(machine: Path) -> None:
    with pytest.raises(MissingTool, match="no Maven"):
        build_plugin(OPENSEARCH_3)
