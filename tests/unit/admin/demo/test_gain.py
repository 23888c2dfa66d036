"""How the demo ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from jrerank.admin.demo.comparison import Answered
from jrerank.admin.demo.gain import gain_report, print_gain
from jrerank.evaluation.dataset import Question

PASSAGES = {"a": "味噌汁", "b": "富士山", "c": "大阪駅"}


def answered(first: str, fused: str) -> Answered:
    return Answered(Question("問い", "b"), tuple(first), tuple(fused), tuple(fused), 0.001, 0.02)


def test_the_gain_its_interval_and_the_cost_are_of_the_questions_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = gain_report([answered("acb", "bac")] * 9 + [answered("bac", "abc")], PASSAGES, 3, "PostgreSQL")
    print_gain(made, tmp_path / "demo.html")
    said = capsys.readouterr().out
    assert "Gain: +0.4131 nDCG@10" in said, "9 x (1 - 0.5) - (1 - 0.6309), of 10"
    assert "9 questions better, 1 worse" in said
    assert "Cost: 20 ms per query" in said
    assert "富士山" in (tmp_path / "demo.html").read_text(encoding="utf-8")
