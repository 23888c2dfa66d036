"""What is written beside a node's jars."""

from __future__ import annotations

from pathlib import Path

import pytest

from jrerank.admin.opensearch_node.configuration import configure, describe_modules
from jrerank.admin.opensearch_node.releases import OPENSEARCH_2, OPENSEARCH_3, Release


@pytest.mark.parametrize(
    ("release", "grants"), [(OPENSEARCH_3, 1), (OPENSEARCH_2, 2)], ids=["3.8.0", "2.19.6"]
)
def test_each_module_is_described(tmp_path: Path, release: Release, grants: int) -> None:
    names = ["transport-netty4", "analysis-common", "search-pipeline-common", "lang-mustache"]
    folders = [f"modules/{name}" for name in names]
    folders += [f"plugins/{name}" for name in release.plugins]
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    describe_modules(tmp_path, release)
    for folder in folders:
        lines = (tmp_path / folder / "plugin-descriptor.properties").read_text().splitlines()
        assert f"name={Path(folder).name}" in lines
        assert f"opensearch.version={release.version}" in lines
    policy = (tmp_path / "modules/transport-netty4/plugin-security.policy").read_text()
    assert policy.count("grant") == grants


def test_settings_and_files_lie_together(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    configure(tmp_path, {"http.port": 9200, "node.name": "a"}, {"ca.pem": "PEM"})
    assert (tmp_path / "config/opensearch.yml").read_text() == "http.port: 9200\nnode.name: a\n"
    assert (tmp_path / "config/ca.pem").read_text() == "PEM"
    assert (tmp_path / "config/log4j2.properties").exists()
