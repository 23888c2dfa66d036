"""Scenes: the answer comes first, and what answers another question of the scene is wrong here."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from jrerank.training.scenes import Scene, SceneItem, SceneMaker

POOL = Scene(
    (
        SceneItem(
            ("プール 料金", "いくらですか"), ("大人は六百円です", "入場は六百円です"), ("料金表は古い",)
        ),
        SceneItem(("休みの日",), ("月曜は閉まっています",), ("休みの日は混みます",)),
        SceneItem(("深さ",), ("いちばん深い所で一メートル半です",)),
        SceneItem(("駐車場はある？",), ("車は五十台止められます",)),
    )
)
SHOP = Scene(
    (
        SceneItem(("店の休み",), ("店は年中開いています",)),
        SceneItem(("カードが使えない店",), ("支払いは現金に限ります",), ("カードが使える店です",)),
    )
)


def _groups(joined: float) -> list[tuple[SceneItem, str, list[str]]]:
    maker = SceneMaker([POOL, SHOP], joined)
    groups = [maker(random.Random(seed)) for seed in range(200)]
    asked = {question: item for scene in (POOL, SHOP) for item in scene.items for question in item.questions}
    texts = [tuple(text.rstrip("。") for text in group.texts) for group in groups]
    return [
        (asked[group.question], right, wrong) for group, (right, *wrong) in zip(groups, texts, strict=True)
    ]


def test_the_answer_comes_first_and_the_rest_of_its_scene_is_wrong() -> None:
    for item, right, wrong in _groups(joined=0.0):
        scene = POOL if item in POOL.items else SHOP
        assert right in item.answers
        others = [answer for other in scene.items if other is not item for answer in other.answers]
        assert set(item.decoys) <= set(wrong) <= {*item.decoys, *others}
        assert len(wrong) == len(item.decoys) + len(scene.items) - 1


def test_every_question_and_wording_is_drawn() -> None:
    groups = _groups(joined=0.0)
    assert {id(item) for item, _, _ in groups} == {id(item) for item in (*POOL.items, *SHOP.items)}
    assert {right for item, right, _ in groups if item is POOL.items[0]} == set(POOL.items[0].answers)


def test_two_sentences_may_stand_together_and_one_of_them_answers() -> None:
    for item, right, wrong in _groups(joined=1.0):
        held = [answer for answer in item.answers if answer in right]
        assert len(held) == 1
        assert not any(answer in text for answer in item.answers for text in wrong)
        if item in POOL.items:
            assert right != held[0]


def test_a_full_stop_does_not_tell_what_is_right() -> None:
    rooms = Scene((SceneItem(("何名まで",), ("定員は二十人です。",), ("定員を忘れた幹事", "定員は？")),))
    groups = [SceneMaker([rooms])(random.Random(seed)).texts for seed in range(400)]
    assert {right for right, *_ in groups} == {"定員は二十人です。", "定員は二十人です"}
    wrong = {text for _, *others in groups for text in others}
    assert wrong == {"定員を忘れた幹事", "定員を忘れた幹事。", "定員は？"}


def test_all_texts_of_a_group_have_the_scenes_title_or_none_has_it() -> None:
    maker = SceneMaker([replace(SHOP, title="角の煙草屋")])
    groups = [maker(random.Random(seed)).texts for seed in range(400)]
    titled = [[text.startswith("角の煙草屋\n") for text in texts] for texts in groups]
    assert all(len(set(of_group)) == 1 for of_group in titled)
    assert 70 < sum(of_group[0] for of_group in titled) < 130
    untitled = [SceneMaker([SHOP])(random.Random(seed)).texts for seed in range(400)]
    assert not any("\n" in text for texts in untitled for text in texts)


@pytest.mark.parametrize("seed", range(3))
def test_a_group_depends_on_the_draw_alone(seed: int) -> None:
    maker = SceneMaker([POOL, SHOP])
    assert maker(random.Random(seed)) == maker(random.Random(seed))
