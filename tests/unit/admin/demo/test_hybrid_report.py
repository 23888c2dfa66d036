"""What the hybrid demo prints."""

from __future__ import annotations

import pytest

from jrerank.admin.demo.hybrid import STAGES, Measured
from jrerank.admin.demo.hybrid_report import print_hybrid
from jrerank.evaluation.dataset import Question

RIGHT = Question("問い", "b")


def said_of(capsys: pytest.CaptureFixture[str], *lists: str) -> str:
    """What is printed of one question asked twice, the hit lists by the letters of their ids."""
    stages = {stage: [list(ids)] * 2 for stage, ids in zip(STAGES, lists, strict=True)}
    print_hybrid(Measured([RIGHT] * 2, stages, [0.02, 0.03], [0.004, 0.006], [0.1, 0.2]), 20)
    return capsys.readouterr().out


def test_what_a_reranker_can_reach(capsys: pytest.CaptureFixture[str]) -> None:
    said = said_of(capsys, "acb", "ac", "abc", "bac", "abc")
    assert "among the 20 hits: BM25 100.0 %, vectors 0.0 %, both by reciprocal rank 100.0 %." in said


def test_the_reranker_is_held_against_the_list_that_it_read_too(capsys: pytest.CaptureFixture[str]) -> None:
    said = said_of(capsys, "bac", "acb", "acb", "bac", "abc")
    assert "reranker alone over both by reciprocal rank: +0.5000 (+0.5000 to +0.5000)." in said
    assert "all by reciprocal rank over both by reciprocal rank: +0.1309 (+0.1309 to +0.1309)." in said


def test_the_times_of_each_part(capsys: pytest.CaptureFixture[str]) -> None:
    said = said_of(capsys, *["ab"] * 5)
    assert "embedding the question 30.0 ms (p95 30.0), search 6.0 ms" in said
    assert "search with reranking 200.0 ms (p95 200.0)" in said
