"""BM25 over bigrams in a real, embedded PostgreSQL, on the data that ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from jrerank.admin.demo.first_stage import embedded_first_stage
from jrerank.evaluation.dataset import load_dataset


@pytest.mark.filterwarnings("ignore")
def test_the_best_hit_comes_first_and_tells_its_score() -> None:
    passages = dict(list(load_dataset().passages.items())[:200])
    with embedded_first_stage(passages) as first_stage:
        hits = first_stage.search("東大寺の仏像", 5)
    scores = [hit.score or 0.0 for hit in hits]
    assert "東大寺" in (hits[0].passage or "")
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0


@pytest.mark.filterwarnings("ignore")
def test_a_query_of_no_letters_finds_nothing_and_nothing_stays_behind() -> None:
    with embedded_first_stage({"a": "富士山\n高い山"}) as first_stage:
        assert first_stage.search("。", 5) == () or first_stage.search("。", 5)[0].score == 0
        data = first_stage.connection.execute("show data_directory").fetchall()
    assert not Path(str(data[0][0])).exists()
