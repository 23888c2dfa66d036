"""Groups: what is right comes first, what holds the answer is no negative, and a step is a function of its number."""

from __future__ import annotations

import random

import pytest

from jrerank.training.examples import Corpus, Group, Pair, Passage
from jrerank.training.groups import GroupMaker, GroupShape
from jrerank.training.lexical import LexicalIndex
from training_models import corpus

SHAPE = GroupShape(hard=3, random=1, titled=0.0)


def test_a_step_depends_on_the_seed_and_its_number_alone() -> None:
    first, second, other = GroupMaker(corpus(), 1), GroupMaker(corpus(), 1), GroupMaker(corpus(), 2)
    first.step(0, 4, SHAPE)
    assert first.step(7, 4, SHAPE) == second.step(7, 4, SHAPE)
    assert first.step(7, 4, SHAPE) != first.step(8, 4, SHAPE)
    assert first.step(7, 4, SHAPE) != other.step(7, 4, SHAPE)


def test_an_epoch_has_every_pair_once() -> None:
    maker = GroupMaker(corpus(), 1)
    questions = [group.question for step in range(3) for group in maker.step(step, 4, SHAPE)]
    assert sorted(questions) == sorted(pair.question for pair in corpus().pairs)


def test_the_right_text_comes_first_and_the_others_do_not_hold_the_answer() -> None:
    passages = tuple(Passage("", f"高さの話。山は{height}メートル。") for height in (10, 20, 10, 30, 40))
    maker = GroupMaker(Corpus(passages, (Pair("山の高さ", 0, ("10",)),)), 1)
    for step in range(20):
        (group,) = maker.step(step, 1, GroupShape(hard=4, random=0, titled=0.0, min_chars=99, max_chars=99))
        assert group.texts[0] == passages[0].text
        assert len(group.texts) == 4  # one right, three without the answer: the third passage holds it too
        assert not any("10" in text for text in group.texts[1:])


def test_given_negatives_and_a_teachers_scores_are_taken() -> None:
    pair = Pair("富士山の高さは？", 0, negatives=(3, 4), scores={0: 5.0, 3: -1.0, 4: -2.0})
    maker = GroupMaker(Corpus(corpus().passages, (pair,)), 1)
    group = maker.of_pair(pair, random.Random(1), GroupShape(hard=2, random=0, titled=1.0))
    assert {text.split("\n")[0] for text in group.texts[1:]} == {"鎌倉", "味噌"}
    assert sorted(group.teacher, reverse=True) == [5.0, -1.0, -2.0]
    assert group.teacher[0] == 5.0


def test_scored_negatives_are_not_mixed_with_others_that_no_teacher_knows() -> None:
    pair = Pair("富士山の高さは？", 0, negatives=(3, 4), scores={0: 5.0, 3: -1.0, 4: -2.0})
    maker = GroupMaker(Corpus(corpus().passages, (pair,)), 1)
    for shape in (GroupShape(), GroupShape(hard=10)):
        assert all(len(group.teacher) == 3 for step in range(20) for group in maker.step(step, 2, shape))


def test_to_few_negatives_that_are_given_come_those_of_bm25() -> None:
    pair = Pair("富士山の高さは？", 0, negatives=(4,))
    shape = GroupShape(hard=4, random=0, titled=1.0)
    texts = corpus().passages
    hits = LexicalIndex([passage.indexed for passage in texts]).search(pair.question, shape.hard_depth)
    likely = {texts[i].title for i, score in hits}
    (group,) = GroupMaker(Corpus(texts, (pair,)), 1).step(0, 1, shape)
    titles = [text.split("\n")[0] for text in group.texts[1:]]
    assert len(titles) == 4
    assert titles[0] == texts[4].title
    assert set(titles[1:]) <= likely


def test_what_answers_the_question_too_is_not_wrong_for_it() -> None:
    """Two clicks on one query; and the second passage is there twice."""
    passages = tuple(Passage("", f"返品の話、その{i}。") for i in (0, 1, 1, 2, 3))
    pairs = (Pair("返品", 0, negatives=(1, 3)), Pair("返品", 1))
    maker = GroupMaker(Corpus(passages, pairs), 1)
    groups = [group for step in range(30) for group in maker.step(step, 2, GroupShape(hard=4, titled=0.0))]
    assert {group.texts[0] for group in groups} == {passages[0].text, passages[1].text}
    wrong = {text for group in groups for text in group.texts[1:]}
    assert wrong == {passages[3].text, passages[4].text}


@pytest.mark.parametrize("max_chars", [20, 29, 30])
def test_excerpts_may_be_short(max_chars: int) -> None:
    maker = GroupMaker(corpus(), 1)
    assert maker.step(0, 3, GroupShape(max_chars=max_chars))


def test_near_texts_are_of_the_right_passage_and_lack_the_answer() -> None:
    text = "山の高さは10メートル。" + "".join(f"第{i}の話がここにある。" for i in range(8))
    maker = GroupMaker(
        Corpus((Passage("", text), Passage("", "別の話。")), (Pair("山の高さ", 0, ("10",)),)), 1
    )
    shape = GroupShape(hard=1, random=0, near=1.0, titled=0.0, min_chars=5, max_chars=20)
    near = [group.texts[2:] for step in range(50) for group in maker.step(step, 1, shape)]
    assert sum(map(len, near)) > 40
    assert all(found in text and "10" not in found for texts in near for found in texts)


def test_without_answers_there_is_no_near_text() -> None:
    shape = GroupShape(hard=3, random=1, near=1.0, titled=0.0)
    plain = GroupShape(hard=3, random=1, titled=0.0)
    assert GroupMaker(corpus(), 1).step(0, 4, shape) == GroupMaker(corpus(), 1).step(0, 4, plain)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_other_kinds_have_their_share(share: float) -> None:
    made = Group("q", ("a", "b"))
    maker = GroupMaker(corpus(), 1, [(share, lambda _: made)])
    groups = [group for step in range(100) for group in maker.step(step, 4, SHAPE)]
    assert abs(sum(group is made for group in groups) / len(groups) - share) < 0.1
