"""`bench.scenes`: what may be trained on."""

from __future__ import annotations

import json

import pytest

from bench.scenes import HeldOut, Sieve

GOOD = {"questions": ["窓口 時間"], "answers": ["九時に開く。"], "decoys": ["窓口の時間割。"]}
OTHER = {"questions": ["駐車料金は？"], "answers": ["一時間二百円。"]}


@pytest.fixture
def sieve() -> Sieve:
    return Sieve(
        HeldOut(["犬が入れない公園", "月までの距離"], 0.45),
        HeldOut(["この公園はペットの立ち入りを禁じている。"], 0.6),
    )


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


def test_an_item_stays_once(sieve: Sieve) -> None:
    assert sieve.scene(line(GOOD, OTHER)) is not None
    assert sieve.scene(line(GOOD, OTHER)) is None
    assert reasons(sieve) == ["item that is there already"] * 2 + ["scene with fewer than two items"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"items": []}', '{"scene": "役所", "items": 3}'])
def test_a_line_that_is_no_scene_is_left_out(sieve: Sieve, text: str) -> None:
    assert sieve.scene(text) is None
    assert reasons(sieve) == ["malformed line"]
