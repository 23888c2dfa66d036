"""What the demo prints."""

from __future__ import annotations

import pytest

from jrerank.admin.demo.comparison import Answered
from jrerank.admin.demo.report import print_examples, print_figures, print_stages
from jrerank.evaluation.dataset import Question

PASSAGES = {"a": "味噌汁\n[/b]だしを入れる", "b": "富士山\n標高は3776メートル", "c": "大阪駅\n駅である"}


def answered(text: str, first: str, fused: str, rerank_s: float = 0.02) -> Answered:
    """A question about the mountain; hit lists by the letters of their ids."""
    return Answered(Question(text, "b"), tuple(first), tuple(fused), tuple(fused), 0.001, rerank_s)


def test_the_questions_that_gained_most_are_shown_with_the_right_hit_marked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lost, gained = answered("悪くなった", "bac", "acb"), answered("良くなった [/x]", "acb", "bac")
    print_examples([lost, *[answered("同じ", "abc", "abc")] * 3, gained], PASSAGES)
    said = capsys.readouterr().out
    assert said.index("良くなった [/x]") < said.index("同じ")
    assert "悪くなった" not in said, "three are enough"
    first_row = next(line for line in said.splitlines() if line.startswith("│ 1"))
    assert first_row.index("味噌汁: [/b]だし") < first_row.index("✔ 富士山")


def test_figures_are_of_all_questions_with_the_times_and_the_machine(
    capsys: pytest.CaptureFixture[str],
) -> None:
    times = (0.01, 0.02, 9.0)
    print_figures([answered("問い", "ab", "ba", rerank_s) for rerank_s in times], 20)
    said = capsys.readouterr().out
    rows = {line.split("│")[1].strip(): line.split("│")[2:4] for line in said.splitlines() if line[0] == "│"}
    assert [figure.strip() for figure in rows["BM25"]] == ["0.6309", "0.5000"]
    assert [figure.strip() for figure in rows["fusion of both"]] == ["1.0000", "1.0000"]
    assert "search 1.0 ms (p95 1.0), rerank 20.0 ms (p95 9000.0), on " in said


def test_what_each_stage_gains_over_the_first_has_its_interval(capsys: pytest.CaptureFixture[str]) -> None:
    """One question in four gains a whole place, the same one each time."""
    right = Question("問い", "b")
    stages = {"BM25": [["a", "b"]] * 4, "model": [["b", "a"], *[["a", "b"]] * 3], "none": [["a"]] * 4}
    print_stages(stages, [right] * 4, "made up")
    rows = {
        line.split("│")[1].strip(): line.split("│")[4].strip()
        for line in capsys.readouterr().out.splitlines()
        if "│" in line
    }
    assert rows["BM25"] == ""
    assert rows["model"] == "+0.0923 (+0.0000 to +0.2768)"
    assert rows["none"] == "-0.6309 (-0.6309 to -0.6309)"
