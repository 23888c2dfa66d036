"""Facts made of templates: a question has one right sentence among its own words."""

from __future__ import annotations

import random

import pytest

from jrerank.training.fact_templates import OPPOSITES, THINGS
from jrerank.training.facts import denial, fact, number, synthetic_fact

DRAWS = [random.Random(seed) for seed in range(300)]


@pytest.mark.parametrize("kind", [fact, denial, number, synthetic_fact])
def test_no_distractor_is_the_right_sentence(kind: object) -> None:
    assert callable(kind)
    for draw in DRAWS:
        group = kind(draw)
        assert 3 <= len(group.texts) <= 6
        assert group.texts[0] not in group.texts[1:]
        assert not any("{" in text for text in (group.question, *group.texts))


def test_the_right_sentence_tells_of_the_thing() -> None:
    things = [thing for names, _ in THINGS.values() for thing in names]
    for draw in DRAWS:
        group = fact(draw)
        assert any(thing in group.question and thing in group.texts[0] for thing in things)


def test_a_denial_is_told_from_its_opposite() -> None:
    for draw in DRAWS:
        group = denial(draw)
        side = next(
            p for pair in OPPOSITES for p in sorted(pair, key=len, reverse=True) if p in group.question
        )
        assert side in group.texts[0]


def test_a_year_is_told_from_those_beside_it() -> None:
    for draw in DRAWS:
        group = number(draw)
        year = next(group.question[i : i + 4] for i in range(99) if group.question[i : i + 4].isdigit())
        assert [year in text for text in group.texts[:3]] == [True, False, False]
