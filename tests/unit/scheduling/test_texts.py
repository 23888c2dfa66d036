"""What a tokenizer thread is given, and what it makes of that."""

from __future__ import annotations

import pytest

from jrerank.errors import InputTooLong
from jrerank.scheduling.texts import Digests, PairText, keyed_pairs, read_texts
from jrerank.tokenization.windows import LongReader, Reading, Tokenization, Windows


def pair_texts(
    tokenization: Tokenization, query: str, passages: list[str], reading: Reading
) -> list[PairText]:
    return [text for _, text in keyed_pairs(tokenization, "model", query, passages, reading)]


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


def key(
    tokenization: Tokenization, query: str, passage: str, reading: Reading, model: str = "model"
) -> bytes:
    ((made, _),) = keyed_pairs(tokenization, model, query, [passage], reading)
    return made


def test_a_key_depends_on_all_that_the_score_depends_on(tokenization: Tokenization) -> None:
    different = {
        key(tokenization, "a", "b", Reading()),
        key(tokenization, "ab", "", Reading()),
        key(tokenization, "a", "c", Reading()),
        key(tokenization, "a", "b", Reading(), model="another"),
        key(tokenization, "a", "b", Reading(max_tokens_per_doc=5)),
        key(tokenization, "a", "b", Reading(truncation="left")),
    }
    assert len(different) == 6
    assert key(tokenization, "a", "b", Reading()) == key(tokenization, "a", "b", Reading())


def test_each_passage_has_its_own_key(tokenization: Tokenization) -> None:
    keys = [made for made, _ in keyed_pairs(tokenization, "model", "a", ["b", "c", "b"], Reading())]
    assert keys == [key(tokenization, "a", passage, Reading()) for passage in "bcb"]


def test_several_queries_with_the_same_passages_have_the_keys_that_each_has_alone(
    tokenization: Tokenization,
) -> None:
    digests = Digests()
    for query in "ab":
        made = keyed_pairs(tokenization, "model", query, ["b", "c"], Reading(), digests)
        assert made[0][0] != made[1][0]
        assert [one for one, _ in made] == [key(tokenization, query, text, Reading()) for text in "bc"]


def test_half_a_surrogate_pair_counts_as_what_is_read_of_it(tokenization: Tokenization) -> None:
    assert key(tokenization, "\ud800", "\udc00a", Reading()) == key(
        tokenization, "\ufffd", "\ufffda", Reading()
    )
