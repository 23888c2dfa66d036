"""A long text slice by slice: the ids of the whole, a bounded amount of work at a time."""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrerank.tokenization.long_text import LongText
from jrerank.tokenization.slices import SLICE_CHARS
from jrerank.tokenization.text_tokenizer import TextTokenizer, Tokens
from tiny_tokenizers import KINDS, corpus, modernbert_unigram, text_tokenizer

ALL = 10**9


def read(
    text: str, tokens: int = ALL, kind: str = "modernbert_unigram", *, backwards: bool = False
) -> LongText:
    long_text = LongText(text_tokenizer(kind), text, tokens, backwards=backwards)
    while not long_text.step():
        pass
    return long_text


def whole(text: str, kind: str = "modernbert_unigram") -> list[int]:
    return text_tokenizer(kind).ids([text])[0].tolist()


def mixed_text(generator: random.Random) -> str:
    """Prose, white space of every kind and length, rare characters, shuffled letters."""
    parts: list[str] = []
    length = generator.randrange(1000, 12_000)
    while sum(map(len, parts)) < length:
        passage = generator.choice(corpus())
        parts.append(
            generator.choice(
                [
                    passage[generator.randrange(len(passage)) :],
                    generator.choice(" \n\u3000\t") * generator.randrange(900),
                    "".join(generator.choices("abc  xyz\n。、か\u3099ｶﾞ㌖😀𠮷</s>", k=80)),
                    "".join(generator.choices(passage, k=100)),
                ]
            )
        )
    return "".join(parts)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**9), tokens=st.integers(1, 3000))
def test_ids_are_those_of_the_whole_text(kind: str, backwards: bool, seed: int, tokens: int) -> None:
    text = mixed_text(random.Random(seed))
    expected = whole(text, kind)
    assert list(read(text, kind=kind, backwards=backwards).ids) == expected
    part = read(text, tokens, kind, backwards=backwards)
    assert list(part.ids) == (expected[-tokens:] if backwards else expected[:tokens])
    assert part.truncated == (len(expected) > tokens)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("white_space", [" ", "\u3000", "\n", "\t \u3000", "\xa0"])
def test_white_space_hides_no_passage(white_space: str, backwards: bool) -> None:
    long_text = read(white_space * 20_000 + "富士山の高さ" + white_space * 20_000, 512, backwards=backwards)
    assert list(long_text.ids) == whole("富士山の高さ")
    assert not long_text.truncated


def test_a_table_yields_as_many_tokens_as_it_may() -> None:
    text = ("東京" + " " * 60 + "大阪" + " " * 60) * 400
    long_text = read(text, 512)
    assert list(long_text.ids) == whole(text)[:512]
    assert long_text.truncated


def test_a_text_that_ends_with_its_last_token_is_not_truncated() -> None:
    text = "".join(corpus())[:5000]
    tokens = len(whole(text))
    assert not read(text, tokens).truncated
    assert not read(text + " " * 5000, tokens).truncated
    assert read(text, tokens - 1).truncated


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("letter", ["空", "a", "\u3099", "\U0001f5ff", "=", "。", "</s>", "\u200b"])
def test_one_letter_over_and_over_is_read_to_the_end(letter: str, kind: str) -> None:
    """Slices of it need not agree on where a token begins; even then all of it becomes tokens."""
    text = letter * (10_000 // len(letter))
    long_text = read(text + "富士山", kind=kind)
    assert list(long_text.ids[-3:]) == whole(text + "富士山", kind)[-3:]
    assert abs(len(long_text.ids) - len(whole(text, kind))) <= 20


class CountingTokenizer(TextTokenizer):
    """Notes how many characters it gets at a time."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        super().__init__(modernbert_unigram())
        self.calls.clear()

    def tokens(self, clean_text: str) -> Tokens:
        self.calls.append(len(clean_text))
        return super().tokens(clean_text)

    def ids(self, texts: Sequence[str]) -> list[array[int]]:
        self.calls.extend(map(len, texts))
        return super().ids(texts)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("part", ["富士山は高い。", " ", "\n", "山" + " " * 400, "</s>", "\ufdfa", "\u200b"])
def test_no_more_is_tokenized_than_can_be_read_and_little_at_a_time(part: str, backwards: bool) -> None:
    counting = CountingTokenizer()
    long_text = LongText(counting, part * (2_000_000 // len(part)), 500, backwards=backwards)
    while not long_text.step():
        assert len(counting.calls) < 20
    assert max(counting.calls, default=0) <= SLICE_CHARS + 2
    assert sum(counting.calls) < 20_000


def test_half_a_surrogate_pair_is_a_replacement_character() -> None:
    text = corpus()[0] * 10
    assert read(text + "\ud800" + text).ids == read(text + "\ufffd" + text).ids
