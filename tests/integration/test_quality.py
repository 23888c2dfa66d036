"""The main job from end to end: BM25's hit lists in, better ones out, by the command that users measure it with."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.bench.report.schema import Report, read_json


def test_the_fusion_beats_bm25_and_int8_is_as_good_as_fp32(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    line = ["bench", "quality", "--queries", "60", "--depth", "20", "--model", "bundled", "--json", str(file)]
    result = CliRunner().invoke(app, [*line, "--precision", "int8", "--precision", "fp32"])
    assert result.exit_code == 0, result.output
    report = read_json(file)
    first_stage, int8, fp32 = (
        ndcg(report, name)
        for name in ("first stage", "bundled int8 + first stage", "bundled fp32 + first stage")
    )
    assert int8 > first_stage
    # of so few questions one hit that changes places with its neighbour moves it by up to 0.006; the weights are chosen on halves
    assert abs(int8 - fp32) <= 0.01
    assert any("of the gain in nDCG@10 that fp32 has" in note for note in report.notes)


def ndcg(report: Report, name: str) -> float:
    system = next(system for system in report.systems if system.name == name)
    figure = system.figure("nDCG@10")
    assert figure is not None
    return figure.value
