"""The plugin's own tests, the shared vectors among them, for each release of OpenSearch."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from integration.opensearch.conftest import need
from jrerank.admin.opensearch_node.build import (
    build_plugin,
    maven,
    plugin_properties,
    plugin_zip,
    target,
)
from jrerank.admin.opensearch_node.jdk import find_jdk
from jrerank.admin.opensearch_node.releases import OPENSEARCH_2, OPENSEARCH_3, Release

pytestmark = pytest.mark.node

BOTH = pytest.mark.parametrize("built", [OPENSEARCH_3, OPENSEARCH_2], ids=lambda release: release.version)


@BOTH
def test_java_tests(built: Release) -> None:
    need(built)
    jdk = find_jdk(built.java, built.newest_java, compiles=True)
    maven(jdk, "plugin", "test", *plugin_properties(built))
    reports = target("plugin") / f"opensearch-{built.version}" / "surefire-reports"
    assert sum(_tests(report) for report in reports.glob("TEST-*.xml")) >= 150


def _tests(report: Path) -> int:
    match = re.search(r'<testsuite [^>]*\btests="(\d+)"', report.read_text(encoding="utf-8"))
    assert match
    return int(match[1])


def test_a_runtime_without_javac_builds_the_same_classes(tmp_path: Path) -> None:
    need(OPENSEARCH_3)
    jdk = find_jdk(OPENSEARCH_3.java, OPENSEARCH_3.newest_java)
    there = ("-P", "runtime", f"-Dtarget.folder={tmp_path}", *plugin_properties(OPENSEARCH_3))
    maven(jdk, "plugin", "package", "-DskipTests", *there)
    made = tmp_path / f"opensearch-{OPENSEARCH_3.version}" / plugin_zip(OPENSEARCH_3).name
    assert _outer_classes(made) == _outer_classes(build_plugin(OPENSEARCH_3))


def _outer_classes(plugin: Path) -> list[str]:
    with (
        zipfile.ZipFile(plugin) as archive,
        archive.open("jrerank-opensearch-0.1.0.jar") as jar,
        zipfile.ZipFile(jar) as classes,
    ):
        return sorted(name for name in classes.namelist() if name.endswith(".class") and "$" not in name)


@BOTH
def test_the_zip_holds_what_opensearch_looks_for_and_nothing_else(built: Release) -> None:
    need(built)
    with zipfile.ZipFile(build_plugin(built)) as archive:
        assert sorted(archive.namelist()) == [
            "jrerank-opensearch-0.1.0.jar",
            "plugin-descriptor.properties",
            "plugin-security.policy",
        ]
        descriptor = archive.read("plugin-descriptor.properties").decode()
    assert f"opensearch.version={built.version}\n" in descriptor
    assert f"java.version={built.java}\n" in descriptor
