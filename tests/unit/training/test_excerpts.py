"""Excerpts are whole sentences, and hold what they should."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from jrerank.training.examples import Passage
from jrerank.training.excerpts import excerpt, likeliest_place, sentences

TEXTS = st.text(alphabet="山川町。！\n年1", min_size=1, max_size=80)


@given(TEXTS)
def test_the_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(sentences(text)) == text


@given(TEXTS, st.data(), st.integers(1, 100))
def test_an_excerpt_holds_the_place_it_was_made_for(text: str, data: st.DataObject, chars: int) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    shown = excerpt(Passage("", text), start, end, chars, random.Random(0))
    assert text[start:end].strip() in shown
    assert shown in text


def test_an_excerpt_grows_by_whole_sentences_until_it_is_long_enough() -> None:
    passage = Passage("", "一つ目の文。二つ目の文。三つ目の文。四つ目の文。")
    assert excerpt(passage, 6, 8, 1, random.Random(0)) == "二つ目の文。"
    assert len(excerpt(passage, 6, 8, 10, random.Random(0))) == 12
    assert excerpt(passage, 6, 8, 999, random.Random(0)) == passage.text


def test_the_likeliest_place_is_the_sentence_most_like_the_question() -> None:
    passage = Passage("", "川の話。富士山の高さは3776メートル。雪の話。")
    start, end = likeliest_place(passage, "富士山の高さは？")
    assert passage.text[start:end] == "富士山の高さは3776メートル。"
