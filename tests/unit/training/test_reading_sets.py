"""The sets of our own on which a reranker shows that it reads; `bench.reading` measures a model on them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.reading import among_others, cases
from bench.scenes import Sieve
from jrerank.admin.training.data import read_scenes
from jrerank.evaluation.bigrams import bigrams

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("name", "least"), [("paraphrases", 150), ("not_fooled", 60)])
def test_a_set_has_so_many_questions_and_no_sentence_twice_in_a_list(name: str, least: int) -> None:
    groups = cases(name)
    assert len({case.question for case in groups}) == len(groups) >= least
    for case in groups:
        assert len(set(case.sentences)) == len(case.sentences) == (4 if name == "paraphrases" else 5)


def test_words_alone_lead_astray() -> None:
    groups = [*cases("paraphrases"), *cases("not_fooled")]
    fooled = 0
    for case in groups:
        words = set(bigrams(case.question))
        shared = [len(words & set(bigrams(sentence))) for sentence in case.sentences]
        fooled += max(shared[1:]) >= shared[0]
    assert fooled > 0.9 * len(groups)


def test_the_kinds_are_those_of_the_issue() -> None:
    kinds = Counter(case.kind for case in cases("not_fooled"))
    assert set(kinds) == {"fact", "half", "kana", "number", "negation", "sentence"}
    assert min(kinds.values()) >= 6


def test_a_list_has_twenty_sentences_the_right_one_first() -> None:
    groups = cases("paraphrases")
    for case, list_ in zip(groups, among_others(groups), strict=True):
        assert list_.sentences[:4] == case.sentences
        assert len(set(list_.sentences)) == 20


def test_the_scenes_that_are_trained_on_hold_nothing_that_judges() -> None:
    sieve = Sieve.against([*cases("paraphrases"), *cases("not_fooled")])
    lines = (ROOT / "data/reading-scenes.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 1_000
    assert [sieve.scene(line) for line in lines] == lines
    assert sieve.left_out == []


def test_the_scenes_can_be_trained_on() -> None:
    scenes = read_scenes(ROOT / "data/reading-scenes.jsonl")
    assert sum(len(scene.items) for scene in scenes) > 7_000
