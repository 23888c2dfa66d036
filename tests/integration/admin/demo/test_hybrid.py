"""`demo --hybrid`: BM25, vectors, fusion and rerank in one statement, on few questions."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.admin.demo.hybrid import STAGES


@pytest.mark.filterwarnings("ignore")
def test_it_measures_each_stage_and_says_what_the_vectors_are() -> None:
    result = CliRunner().invoke(app, ["demo", "--hybrid", "--questions", "5"])
    assert result.exit_code == 0, result.output
    for name in STAGES:
        (row,) = re.findall(rf"{name} +│ ([01]\.\d+) +│ ([01]\.\d+) +│", result.output)
        assert all(0 < float(figure) <= 1 for figure in row)
    given = "both by reciprocal rank"
    assert re.search(
        rf"The right passage is among the 20 hits: BM25 \d+\.\d %, .*, {given} \d+\.\d %\.", result.output
    )
    for name in STAGES[3:]:
        assert re.search(
            rf"{name} over {given}: [+-]\d\.\d{{4}} \([+-]\d\.\d+ to [+-]\d\.\d+\)", result.output
        )
    assert re.search(r"embedding the question \d+\.\d ms \(p95 \d+\.\d\), search \d+\.\d ms", result.output)
    assert re.search(r"search with reranking \d+\.\d ms", result.output)
    assert "multilingual-e5-small" in result.output


def test_it_is_postgresqls() -> None:
    result = CliRunner().invoke(app, ["demo", "--hybrid", "--engine", "opensearch"])
    assert (result.exit_code, "PostgreSQL" in result.stderr) == (2, True)
