"""What a tokenizer thread is given, and what it makes of that."""

from __future__ import annotations

import pytest

from jrerank.errors import InputTooLong
from jrerank.scheduling.texts import PairText, QueryText, read_texts
from jrerank.tokenization.windows import LongReader, Reading, Tokenization, Windows


def pair_texts(
    tokenization: Tokenization, query: str, passages: list[str], reading: Reading
) -> list[PairText]:
    text, max_tokens = QueryText(query, reading), tokenization.most_tokens(reading, len(query))
    return [PairText(text, passage, max_tokens) for passage in passages]


def test_short_texts_become_windows_at_once_and_long_ones_get_a_reader(tokenization: Tokenization) -> None:
    texts = pair_texts(tokenization, "今日", ["空", "空" * 100_000, "海"], Reading())
    first, long, last = read_texts(tokenization, texts)
    assert isinstance(first, Windows)
    assert isinstance(last, Windows)
    assert isinstance(long, LongReader)


def test_texts_of_several_queries_are_kept_apart(tokenization: Tokenization) -> None:
    texts = [pair_texts(tokenization, query, ["空"], Reading())[0] for query in ("今日", "天気")]
    first, second = read_texts(tokenization, texts)
    assert isinstance(first, Windows)
    assert first != second


def test_a_query_that_leaves_no_room_fails_its_own_texts_only(tokenization: Tokenization) -> None:
    refusing = pair_texts(tokenization, "空" * 200, ["海", "山"], Reading(truncation="refuse"))
    others = pair_texts(tokenization, "今日", ["空"], Reading())
    first, second, other = read_texts(tokenization, [*refusing, *others])
    assert isinstance(first, InputTooLong)
    assert isinstance(second, InputTooLong)
    assert isinstance(other, Windows)


@pytest.mark.parametrize("reading", [Reading(), Reading(max_tokens_per_doc=500)])
def test_no_pair_has_more_tokens_than_it_was_counted_with(
    tokenization: Tokenization, reading: Reading
) -> None:
    (text,) = pair_texts(tokenization, "今日", ["空" * 1_900], reading)
    (windows,) = read_texts(tokenization, [text])
    assert isinstance(windows, Windows)
    assert sum(map(len, windows.windows)) <= text.max_tokens


def test_its_length_is_that_of_both(tokenization: Tokenization) -> None:
    (text,) = pair_texts(tokenization, "今日", ["空空空"], Reading())
    assert isinstance(text, PairText)
    assert text.chars == 5
