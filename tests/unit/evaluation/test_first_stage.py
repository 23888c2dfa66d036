"""BM25 over bigrams in a real, embedded PostgreSQL, on the data that ships."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.evaluation.bigrams import bigrams
from jrerank.evaluation.dataset import load_dataset
from jrerank.evaluation.first_stage import embedded_first_stage


def test_bigrams_overlap_within_a_run_of_letters() -> None:
    assert bigrams("富士山、ＡＢＣ 1") == ["富士", "士山", "ab", "bc", "1"]
    assert bigrams("、 。") == []


@given(st.text())
def test_no_token_holds_a_space(text: str) -> None:
    assert all(token and not any(letter.isspace() for letter in token) for token in bigrams(text))


@pytest.mark.filterwarnings("ignore")
def test_the_best_hit_comes_first_and_tells_its_score() -> None:
    passages = dict(list(load_dataset().passages.items())[:200])
    with embedded_first_stage(passages) as first_stage:
        hits = first_stage.search("東大寺の仏像", 5)
    scores = [hit.score or 0.0 for hit in hits]
    assert "東大寺" in (hits[0].passage or "")
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0


def test_the_shipped_set_is_whole() -> None:
    dataset = load_dataset()
    assert (len(dataset.passages), len(dataset.questions)) == (1431, 3939)
    assert all(question.passage_id in dataset.passages for question in dataset.questions)
    assert len(set(dataset.sample(400))) == 400
