"""The demo from end to end: our own node, the plugin, the bundled model, the demo corpus."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from integration.opensearch.conftest import need
from jrerank.admin.app import app
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """What `--keep` has printed when it waits, and its process."""
    need(OPENSEARCH_3)
    report = tmp_path_factory.mktemp("demo") / "report.html"
    line = ["demo", "--engine", "opensearch", "--questions", "12", "--keep", "--html", str(report)]
    with subprocess.Popen(
        [sys.executable, "-m", "jrerank.admin", *line], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("curl "):
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)
        yield "".join(lines), process
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


def test_it_reranks_in_the_pipeline_and_measures_both_orders(
    kept: tuple[str, subprocess.Popen[str]],
) -> None:
    output, _ = kept
    assert "The plugin said of 24 searches: 24 complete." in output
    figures = {
        name: float(re.search(rf"{name} +│ (\d\.\d+)", output)[1])  # type: ignore[index]
        for name in ("BM25", "reranker alone", "fusion of both")
    }
    # what the model gains is measured on all questions, by `make bench-opensearch`; these few are asked in earnest, that is all
    assert all(0.7 < figure <= 1 for figure in figures.values())
    assert figures["reranker alone"] != figures["BM25"]
    assert re.search(r"search \d+\.\d ms \(p95 \d+\.\d\), with reranking \d+\.\d ms", output)


def test_the_search_to_try_is_reranked(kept: tuple[str, subprocess.Popen[str]]) -> None:
    output, process = kept
    assert process.poll() is None
    answer = subprocess.run(
        shlex.split(output.splitlines()[-1]), capture_output=True, check=True, timeout=60
    ).stdout
    assert json.loads(answer)["ext"]["jrerank"]["outcome"] == "complete"


def test_only_opensearch_is_kept() -> None:
    result = CliRunner().invoke(app, ["demo", "--keep"])
    assert (result.exit_code, "--engine opensearch" in result.stderr) == (2, True)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("jrerank.admin.opensearch_node.jdk._USUAL_FOLDERS", ())
    monkeypatch.setattr("jrerank.admin.opensearch_node.jdk.find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["demo", "--engine", "opensearch", "--questions", "1"])
    assert result.exit_code == 3
    assert "no Java 21 to 25 for OpenSearch: install a JDK" in result.output
