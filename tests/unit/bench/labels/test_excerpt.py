"""What a judge sees of a passage."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jrerank.bench.labels.excerpt import excerpt, words_of
from jrerank.evaluation.bigrams import bigrams

TEXTS = st.text("山川空の色は、 。", max_size=60)


def test_it_is_cut_out_where_the_query_is_answered() -> None:
    text = "味噌汁の作り方。" * 20 + "富士山の標高は3776メートルである。" + "味噌汁の作り方。" * 20
    found = excerpt(text, "富士山の標高は何メートルか", 40)
    assert "富士山の標高は3776メートル" in found.text
    assert (found.text[0], found.text[-1], len(found.text)) == ("…", "…", 42)
    assert [found.text[start:end] for start, end in found.marked] == ["富士山の標高は", "メートル"]


def test_a_short_passage_is_shown_whole() -> None:
    found = excerpt("東京タワー", "大阪", 40)
    assert (found.text, found.marked) == ("東京タワー", ())
    assert excerpt("", "大阪", 40).text == ""


@given(TEXTS, TEXTS, st.integers(2, 20))
def test_no_other_place_has_more_of_the_query(text: str, query: str, chars: int) -> None:
    def different(part: str) -> int:
        return len(words_of(query) & set(bigrams(part)))

    found = excerpt(text, query, chars)
    shown = found.text.strip("…")
    assert shown in text
    assert len(shown) == min(chars, len(text))
    assert different(shown) == max(different(text[at : at + chars]) for at in range(len(text) + 1))
    assert all(set(bigrams(found.text[start:end])) <= set(bigrams(query)) for start, end in found.marked)


def test_endings_and_particles_do_not_count_beside_words() -> None:
    text = "調査した際に発見したものとした。" * 8 + "首都は奈良であった。"
    found = excerpt(text, "首都としたのはどこでしたか", 20)
    assert "首都は奈良" in found.text
    assert words_of("どこでしたか") == {"どこ", "こで", "でし", "した", "たか"}


def test_latin_words_and_numbers_count_as_a_whole() -> None:
    text = "stainless steel Hainesburg 118 1897。" + "味噌汁。" * 20 + "ＨＡＩＮＥＳとOllertonは18年"
    found = excerpt(text, "Hainesと誰が18年に", 30)
    assert [found.text[start:end] for start, end in found.marked] == ["ＨＡＩＮＥＳ", "18"]
