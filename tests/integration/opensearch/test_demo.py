"""The demo from end to end: our own node, the plugin, the bundled model, the demo corpus."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from integration.opensearch.conftest import need
from jrerank.admin.app import app
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3

pytestmark = pytest.mark.node


def test_it_reranks_in_the_pipeline_and_measures_both_orders(tmp_path: Path) -> None:
    need(OPENSEARCH_3)
    line = ["demo", "--engine", "opensearch", "--questions", "12", "--html", str(tmp_path / "report.html")]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 0, result.output
    assert "The plugin said of 24 searches: 24 complete." in result.output
    figures = {
        name: float(re.search(rf"{name} +│ (\d\.\d+)", result.output)[1])  # type: ignore[index]
        for name in ("BM25", "reranker alone", "fusion of both")
    }
    # what the model gains is measured on all questions, by `make bench-opensearch`; these few are asked in earnest, that is all
    assert all(0.7 < figure <= 1 for figure in figures.values())
    assert figures["reranker alone"] != figures["BM25"]
    assert re.search(r"search \d+\.\d ms, with reranking \d+\.\d ms", result.output)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("jrerank.admin.opensearch_node.jdk._USUAL_FOLDERS", ())
    monkeypatch.setattr("jrerank.admin.opensearch_node.jdk.find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["demo", "--engine", "opensearch", "--questions", "1"])
    assert result.exit_code == 3
    assert "no Java 21 to 25 for OpenSearch: install a JDK" in result.output
