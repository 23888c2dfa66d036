"""Questions made of plain text."""

from __future__ import annotations

import random

import pytest

from jrerank.errors import ConfigurationError
from jrerank.training.excerpts import sentences
from jrerank.training.plaintext import ClozeMaker

NAMES = ("富士山", "利根川", "鎌倉", "将棋", "電車", "茶")
PARAGRAPHS = {
    name: f"これは{name}の長い段落である。{name}は昔から人々に知られ、町の{name}の話に出てくる。そこには{name}の大きな店もあった。"
    for name in NAMES
}


def test_a_sentence_looks_for_the_paragraph_it_was_taken_from() -> None:
    maker = ClozeMaker([*PARAGRAPHS.values(), "一文だけ。"], negatives=4)
    kept = 0
    for seed in range(200):
        group = maker(random.Random(seed))
        source = next(text for name, text in PARAGRAPHS.items() if name in group.texts[0])
        assert group.question.strip("。") in source
        assert source not in group.texts[1:]
        assert all(sentence in source for sentence in sentences(group.texts[0]))
        assert 2 <= len(group.texts) <= 5
        kept += group.question in group.texts[0]
    assert kept < 60


def test_what_has_no_question_in_it_is_left_out() -> None:
    short = ["はい。いいえ。", "一文だけで、それなりに長い。", ""]
    maker = ClozeMaker([*short, *PARAGRAPHS.values()])
    drawn = [maker(random.Random(seed)) for seed in range(50)]
    assert all(
        "これは" in group.texts[0] or "昔から" in group.texts[0] or "大きな店" in group.texts[0]
        for group in drawn
    )
    with pytest.raises(
        ConfigurationError, match="--text has no line of two sentences, one of 12 to 89 characters"
    ):
        ClozeMaker(short)
