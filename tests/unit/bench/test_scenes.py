"""`bench.scenes`: what may be trained on."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reading import Case
from bench.scenes import HeldOut, Sieve
from jrerank.evaluation.bigrams import bigrams

GOOD = {"questions": ["窓口 時間"], "answers": ["九時に開く。"], "decoys": ["窓口の時間割。"]}
OTHER = {"questions": ["駐車料金は？"], "answers": ["一時間二百円。"]}


CASES = [
    Case(
        "negation", "犬が入れない公園", ("この公園はペットの立ち入りを禁じている。", "公園で犬が生まれた。")
    ),
    Case("fact", "月までの距離", ("月は地球から三十八万キロ離れている。", "月は丸い。")),
    Case("fact", "富士山の高さ", ("富士山の標高は3776メートルである。", "富士山は遠い。")),
]


@pytest.fixture
def sieve() -> Sieve:
    return Sieve.against(CASES)


def line(*items: object) -> str:
    return json.dumps({"scene": "役所", "items": list(items)}, ensure_ascii=False)


def reasons(sieve: Sieve) -> list[str]:
    return [why for why, _ in sieve.left_out]


def test_a_good_scene_stays_as_it_is(sieve: Sieve) -> None:
    kept = sieve.scene(line(GOOD, {**OTHER, "decoys": []}))
    assert kept == line(GOOD, {**OTHER, "decoys": []})
    assert sieve.left_out == []


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ({**GOOD, "questions": ["犬が 入れない公園は？"]}, "question near one that judges"),
        ({**GOOD, "questions": ["月への距離"]}, "question near one that judges"),
        ({**GOOD, "answers": ["この公園は動物の立ち入りを禁じている。"]}, "sentence near one that judges"),
        (
            {"questions": ["富士 標高", "日本一の高さの山"], "answers": ["富士山の頂は海抜3776メートル。"]},
            "item that asks and says what one does that judges",
        ),
        ({**GOOD, "decoys": GOOD["answers"]}, "answer that is a decoy, too"),
        ({**GOOD, "answers": []}, "malformed item"),
        ({**GOOD, "answers": [" "]}, "malformed item"),
        ({**GOOD, "answer": ["九時"]}, "malformed item"),
        ({"questions": ["窓口 時間"]}, "malformed item"),
        ("窓口", "malformed item"),
    ],
)
def test_an_item_that_may_not_be_read_is_left_out(sieve: Sieve, item: object, why: str) -> None:
    kept = sieve.scene(line(GOOD, item, OTHER))
    assert kept == line(GOOD, {**OTHER, "decoys": []})
    assert reasons(sieve) == [why]


def test_the_same_thing_may_be_asked_something_else(sieve: Sieve) -> None:
    other = {"questions": ["富士山 最後の噴火"], "answers": ["宝永四年の冬に灰が降った。"], "decoys": []}
    assert sieve.scene(line(GOOD, other)) == line(GOOD, other)


def test_an_item_stays_once(sieve: Sieve) -> None:
    assert sieve.scene(line(GOOD, OTHER)) is not None
    assert sieve.scene(line(GOOD, OTHER)) is None
    assert reasons(sieve) == ["item that is there already"] * 2 + ["scene with fewer than two items"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"items": []}', '{"scene": "役所", "items": 3}'])
def test_a_line_that_is_no_scene_is_left_out(sieve: Sieve, text: str) -> None:
    assert sieve.scene(text) is None
    assert reasons(sieve) == ["malformed line"]


@pytest.mark.parametrize(
    ("held_out", "text", "is_like"),
    [
        ("水や火について", "火と水とは", True),  # no pair of letters in common
        ("月までの距離", "距離、月への", True),
        ("水や火について", "火と水と木", False),
        ("水について", "水とは", False),  # one word alone says too little
    ],
)
def test_the_same_content_words_are_near_around_whatever_particles(
    held_out: str, text: str, is_like: bool
) -> None:
    assert HeldOut([held_out], near=0.9).like(text) == (held_out if is_like else None)


SHORT = st.text("あいう", min_size=1, max_size=8)


@given(text=SHORT, held_out=st.lists(SHORT, max_size=5), near=st.sampled_from([0.0, 0.28, 0.45, 0.6, 1.0]))
def test_a_text_is_like_one_with_more_than_that_share_of_their_pairs(
    text: str, held_out: list[str], near: float
) -> None:
    def share(other: str) -> float:
        one, two = set(bigrams(text)), set(bigrams(other))
        return len(one & two) / len(one | two)

    found = HeldOut(held_out, near).like(text)
    assert (found is not None) == any(share(other) > near for other in held_out)
    assert found is None or share(found) > near
