from __future__ import annotations

from dataclasses import replace

import pytest

from jrerank.domain import Candidate
from jrerank.errors import InvalidInput
from jrerank.evaluation.bm25 import Bm25
from jrerank.evaluation.collection import Collection, halves, of_dataset
from jrerank.evaluation.dataset import Dataset, Question

HITS = (Candidate("a", "山", 2.0), Candidate("b", "川", 1.0))


def collection(queries: int = 10, labelled: int = 10) -> Collection:
    ids = [f"q{number}" for number in range(queries)]
    return Collection(
        "test", dict.fromkeys(ids, "問い"), {id: {"a": 1} for id in ids[:labelled]}, dict.fromkeys(ids, HITS)
    )


def test_only_queries_with_labels_are_measured() -> None:
    assert collection(labelled=3).measurable == ("q0", "q1", "q2")


def test_a_sample_is_spread_evenly_and_always_the_same() -> None:
    assert collection().sample(5).measurable == ("q0", "q2", "q4", "q6", "q8")
    assert collection().sample(99).measurable == collection().measurable


def test_the_halves_are_all_queries_once_and_depend_on_ids_alone() -> None:
    ids = [f"q{number}" for number in range(200)]
    first, second = halves(ids)
    assert sorted((*first, *second)) == sorted(ids)
    assert 70 < len(first) < 130
    assert set(halves(ids[:50])[0]) == set(ids[:50]) & set(first)


def test_a_collection_whose_ids_do_not_agree_is_refused() -> None:
    with pytest.raises(InvalidInput, match="has both labels and hits"):
        collection().with_hits({}).check()


def test_a_hit_without_a_text_is_refused_by_its_id() -> None:
    with pytest.raises(InvalidInput, match="passage 'a' is in a hit list but has no text"):
        collection().with_hits({"q0": (Candidate("a"),)}).check()


def test_a_blank_query_is_refused_by_its_id_if_it_would_be_measured() -> None:
    blank = {**collection().queries, "q4": "\u3000"}
    with pytest.raises(InvalidInput, match="test: the query 'q4' is blank"):
        replace(collection(), queries=blank).check()
    assert replace(collection(labelled=3), queries=blank).check()


def test_the_shipped_set_is_searched_for_the_questions_that_are_asked_for() -> None:
    dataset = Dataset({"a": "山", "b": "川"}, (Question("どこ", "a"), Question("いつ", "b")))
    searched: list[str] = []

    def search(question: str) -> tuple[Candidate, ...]:
        searched.append(question)
        return (Candidate("b", "川", 3.0),)

    made = of_dataset(dataset, search)
    assert made.queries == {"0": "どこ", "1": "いつ"}
    assert made.labels == {"0": {"a": 1}, "1": {"b": 1}}
    assert made.candidates("1", 5) == made.hits["1"] == (Candidate("b", "川", 3.0),)
    assert searched == ["いつ"], "once"
    assert made.candidates("no such query", 5) == ()


def test_bm25_prefers_rare_pairs_and_short_passages() -> None:
    index = Bm25.of({"long": "富士山の高さと川の長さと空の色", "short": "富士山の高さ", "other": "川の長さ"})
    assert [id for id, _ in index.search("富士山", 5)] == ["short", "long"]
    assert index.search("無関係", 5) == []
