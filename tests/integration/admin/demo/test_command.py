"""`demo`: the main job from end to end, on few questions."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.admin.demo.command import fusion_weight
from jrerank.models.recommendation import recommended_fusion
from jrerank.models.source import BUNDLED


@pytest.mark.filterwarnings("ignore")
def test_it_shows_hits_before_and_after_and_figures_for_three_orders(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    result = CliRunner().invoke(app, ["demo", "--questions", "8", "--html", str(report)])
    assert result.exit_code == 0, result.output
    for name in ("BM25", "reranker alone", "fusion of both"):
        (row,) = re.findall(rf"{name} +│ ([01]\.\d+) +│ ([01]\.\d+) +│", result.output)
        assert all(0 < float(figure) <= 1 for figure in row)
    assert "8 questions, BM25's top 10" in result.output
    assert re.search(r"search \d+\.\d ms \(p95 \d+\.\d\), with reranking \d+\.\d ms", result.output)
    assert "Over HTTP the same orders, hit by hit, for all 8 questions" in result.output
    assert re.search(
        r"Gain: [+-]0\.\d{4} nDCG@10 \(95 % interval [+-]0\.\d+ to [+-]0\.\d+, p = [\d.e-]+;", result.output
    )
    assert re.search(r"Cost: \d+ ms per query", result.output)
    assert "Demo: 8 questions, BM25" in report.read_text(encoding="utf-8")


def test_without_its_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    result = CliRunner().invoke(app, ["demo", "--questions", "1"])
    assert result.exit_code == 3
    assert "pip install 'jrerank[demo]'" in result.stderr


def test_a_folder_may_recommend_its_own_weight(tmp_path: Path) -> None:
    bundled = recommended_fusion(BUNDLED)
    assert bundled is not None
    assert fusion_weight("bundled") == fusion_weight(str(tmp_path)) == bundled.weight
    (tmp_path / "jrerank.json").write_text(
        '{"fusion": {"method": "linear", "weight": 1.5}}', encoding="utf-8"
    )
    assert fusion_weight(str(tmp_path)) == 1.5


@pytest.mark.filterwarnings("ignore")
def test_a_machine_without_the_time_asks_fewer_questions_and_says_so(tmp_path: Path) -> None:
    options = ["--questions", "30", "--seconds", "0", "--html", str(tmp_path / "report.html")]
    result = CliRunner().invoke(app, ["demo", *options])
    assert result.exit_code == 0, result.output
    assert "Time was up after 20 of 30 questions: --seconds gives it longer than 0." in result.output
    assert "20 questions, BM25's top 10" in result.output
