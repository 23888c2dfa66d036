"""The plugin's own tests, the shared vectors among them, for each release of OpenSearch."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from integration.opensearch.conftest import need
from jrerank.evaluation.opensearch_node.build import build_plugin, maven, plugin_properties, target
from jrerank.evaluation.opensearch_node.jdk import find_jdk
from jrerank.evaluation.opensearch_node.releases import OPENSEARCH_2, OPENSEARCH_3, Release

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
