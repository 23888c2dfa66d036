"""What a step trains on is chosen by the model's own scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.training.examples import Group
from jrerank.training.mining import Mining, mined


@dataclass
class ByNumber:
    """A text's logit is the number that it says; `asked` has the pairs that were read."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    def score(self, pairs: Sequence[tuple[str, str]], max_tokens: int | None = None) -> list[float]:
        self.asked += pairs
        return [float(text) for _, text in pairs]


def group(*logits: float, teacher: tuple[float, ...] = ()) -> Group:
    return Group("question", tuple(map(str, logits)), teacher)


def test_the_wrong_texts_that_score_highest_are_kept_in_their_order() -> None:
    found = mined(ByNumber(), [group(0, 1, 9, -3, 4)], Mining(wrong=2))
    assert found.groups[0].texts == ("0", "9", "4")


def test_what_has_no_more_texts_than_are_kept_is_not_read() -> None:
    scorer = ByNumber()
    assert mined(scorer, [group(0, 1, 2)], Mining(wrong=2)).groups == (group(0, 1, 2),)
    assert not scorer.asked


def test_a_question_that_is_learned_is_not_trained_on() -> None:
    right, level, wrong = group(6, -6, -6), group(-2, -9, -9), group(1, 3, -2)
    found = mined(ByNumber(), [right, level, wrong], Mining(wrong=2, skip_loss=0.05))
    assert found.groups == (right, level, wrong)
    assert found.chosen == [level, wrong]  # the first is in order, but its level says that it is no answer


def test_what_is_no_number_is_not_learned() -> None:
    broken = group(math.nan, 1, 2)
    for skip_loss in (0.0, 0.05):
        assert mined(ByNumber(), [broken], Mining(wrong=1, skip_loss=skip_loss)).trained == (True,)


def test_without_a_least_loss_all_are_trained_on() -> None:
    groups = [group(20, -20, -20, -20), group(1, 3)]
    assert all(mined(ByNumber(), groups, Mining(wrong=2)).trained)


def test_what_a_teacher_has_scored_stays_as_it_is() -> None:
    scorer, taught = ByNumber(), group(20, -20, -20, -20, teacher=(1, 2, 3, 4))
    found = mined(scorer, [taught], Mining(wrong=1, skip_loss=0.5))
    assert (found.chosen, scorer.asked) == ([taught], [])


@given(
    st.lists(st.lists(st.integers(-9, 9), min_size=1, max_size=6), max_size=5),
    st.integers(1, 4),
    st.booleans(),
)
def test_every_group_keeps_its_right_text_and_its_hardest(
    logits: list[list[int]], wrong: int, skipping: bool
) -> None:
    found = mined(ByNumber(), [group(*one) for one in logits], Mining(wrong, 0.1 if skipping else 0.0))
    for one, kept in zip(logits, found.groups, strict=True):
        first, *others = [float(text) for text in kept.texts]
        assert first == one[0]
        assert sorted(others) == sorted(one[1:], reverse=True)[:wrong][::-1]


def test_longer_texts_are_read_as_far_as_they_are_trained_on() -> None:
    limits: list[int | None] = []

    class Limited(ByNumber):
        def score(self, pairs: Sequence[tuple[str, str]], max_tokens: int | None = None) -> list[float]:
            limits.append(max_tokens)
            return super().score(pairs, max_tokens)

    mined(Limited(), [group(1, 2, 3)], Mining(wrong=1), max_tokens=384)
    assert limits == [384]


@pytest.mark.parametrize("trained", [(True, False, True), (False, False, False)])
def test_the_chosen_are_those_that_are_trained_on(trained: tuple[bool, ...]) -> None:
    loss_of = {True: group(0, 5), False: group(9, -9)}
    found = mined(ByNumber(), [loss_of[one] for one in trained], Mining(wrong=3, skip_loss=0.1))
    assert found.trained == trained
