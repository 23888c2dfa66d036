"""`bench quality` on the four public sets, each in its own layout: what a run that puts the right passage second is worth."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from published_layouts import write_jacwir, write_jqara, write_jsquad, write_miracl

SECOND = 1 / math.log2(3)


@pytest.mark.parametrize(
    ("layout", "write", "query", "wrong", "right", "queries"),
    [
        ("jqara", write_jqara, "Q1", "0", "3", 1),
        ("jacwir", write_jacwir, "0-x1", "x2", "x1", 1),
        ("jsquad", write_jsquad, "a7", "0-8", "0-7", 30),
        ("miracl-ja", write_miracl, "0", "11#2", "10#0", 1),
    ],
)
def test_a_run_with_the_right_passage_second(
    tmp_path: Path,
    layout: str,
    write: Callable[[Path], None],
    query: str,
    wrong: str,
    right: str,
    queries: int,
) -> None:
    write(tmp_path)
    run, report = tmp_path / "ours.trec", tmp_path / "report.json"
    run.write_text(f"{query} Q0 {wrong} 1 2.0 x\n{query} Q0 {right} 2 1.0 x\n")
    line = ["bench", "quality", "--layout", layout, "--data", str(tmp_path), "--run", f"ours={run}"]
    result = CliRunner().invoke(app, [*line, "--json", str(report)])
    assert result.exit_code == 0, result.output
    systems = {system["name"]: system for system in json.loads(report.read_text())["systems"]}
    figures = {figure["name"]: figure["value"] for figure in systems["ours"]["figures"]}
    assert figures["nDCG@10"] == pytest.approx(SECOND / queries, abs=1e-9)
    assert figures["MRR@10"] == figures["MAP"] == pytest.approx(0.5 / queries, abs=1e-9)
    assert figures["Recall@10"] == pytest.approx(1 / queries, abs=1e-9)
